/**
 * Examples, one by one: checked, and kept as what a fit needs of them. The texts themselves are not kept.
 */
import { checkInput } from '../classify/inputs.js'
import { abortable, LinformerError, show } from '../common/errors.js'
import { lineEnds } from '../engine/tokens.js'
import { hashOf } from './folds.js'
import { BYTES_A_HASH, sketchOfText, sketchOfWords } from './near-duplicates.js'
import { Counts } from './words.js'

/** @typedef {import('../classify/inputs.js').Document} Document */

/** Most labels: the fit holds numbers for each of them and each word. */
const MOST_LABELS = 1000
/** Characters of a label: all of them are in the file's header, several times. A longer one is probably a text. */
const LONGEST_LABEL = 200
/** Rows of vectors that are allocated at a time. */
const CHUNK = 1024
/** Bytes for a token id, how often it comes, and its weight at two powers of the IDF. */
const BYTES_A_TOKEN = 16

const badArgument = (/** @type {string} */ message, details = {}) => new LinformerError('BAD_ARGUMENT', message, details)

/** What tells whether documents have the same text. @param {Document} document */
const contentOf = (document) => 'tokens' in document ? document.tokens : `${lineEnds(document.text).read}\0${lineEnds(document.textPair ?? '').read}`

/** What tells whether documents have versions of one text. @param {string | Uint16Array | Uint32Array} content */
const sketchOf = (content) => typeof content === 'string' ? sketchOfText(content) : sketchOfWords(content)

/**
 * An error of one example that ends the whole, with the example's number.
 *
 * @param {unknown} error
 * @param {number} index from 0
 */
export function ofExample(error, index) {
  if (!(error instanceof LinformerError) || error.code !== 'BAD_ARGUMENT') return error
  return new LinformerError(error.code, `example ${index}: ${error.message}`, { ...error.details, example: index }, { cause: error })
}

/**
 * @param {unknown} example
 * @param {number} index from 0
 * @returns {{ document: Document, labels: string[], kind: 'one' | 'many' }}
 */
export function checkExample(example, index) {
  try {
    return asExample(example)
  } catch (error) {
    throw ofExample(error, index)
  }
}

/** @param {unknown} example @returns {ReturnType<typeof checkExample>} */
function asExample(example) {
  if (typeof example !== 'object' || example === null) throw badArgument(`an example is { text, label } or { text, labels }, not ${show(example)}`)
  const { label, labels, ...input } = /** @type {Record<string, unknown>} */ (example)
  if ((label === undefined) === (labels === undefined)) throw badArgument('an example has a label or labels: one of the two')
  const given = labels ?? [label]
  if (!Array.isArray(given)) throw badArgument(`labels is ${show(given)}; it has to be a list of strings`)
  for (const each of given) {
    if (typeof each !== 'string' || each.trim() === '') throw badArgument(`a label is ${show(each)}; it has to be a string that is not empty`)
  }
  return { document: checkInput(input), labels: [...new Set(given)], kind: labels === undefined ? 'one' : 'many' }
}

/**
 * What is wrong with the labels of one example, so that it is left out.
 *
 * @param {ReturnType<typeof checkExample>} example
 * @returns {LinformerError | undefined}
 */
export function labelProblem({ labels }) {
  const length = Math.max(0, ...labels.map((label) => label.length))
  if (length <= LONGEST_LABEL) return undefined
  return badArgument(`a label has ${length} characters; at most ${LONGEST_LABEL} are possible`, { characters: length, limit: LONGEST_LABEL })
}

/**
 * @param {unknown} examples
 * @returns {AsyncIterator<unknown> | Iterator<unknown>}
 */
export function iteratorOf(examples) {
  const source = /** @type {Partial<AsyncIterable<unknown> & Iterable<unknown>> | undefined | null} */ (examples)
  const keys = typeof source === 'string' ? [] : /** @type {const} */ ([Symbol.asyncIterator, Symbol.iterator])
  const key = keys.find((each) => typeof source?.[each] === 'function')
  const iterator = key && source?.[key]?.()
  if (typeof iterator?.next === 'function') return iterator
  throw new LinformerError('BAD_ARGUMENT', `examples is ${show(examples)}; it has to be an array or an iterable of { text, label }`)
}

/**
 * Hands over examples one by one, as they come.
 *
 * @param {unknown} examples an array, or an iterable or async iterable
 * @param {AbortSignal | undefined} signal
 * @param {(example: unknown, index: number, count: number | undefined) => Promise<void>} take count is known of arrays
 */
export async function iterate(examples, signal, take) {
  const iterator = iteratorOf(examples)
  const count = Array.isArray(examples) ? examples.length : undefined
  let ended = false
  try {
    for (let index = 0; ; index++) {
      const { done, value } = await abortable(signal, async () => iterator.next())
      ended = done === true
      if (ended) break
      await take(value, index, count)
    }
  } finally {
    // Not waited for: a source that hangs must not hold the caller.
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

export class Examples {
  #width
  #limit
  /** @type {'one' | 'many' | undefined} */
  #kind
  /** @type {Map<string, number>} */
  #numbers = new Map()
  /** @type {Float32Array[]} */
  #chunks = []
  /** @type {{ index: number, hash: string, sketch: Uint32Array, labels: number[] }[]} */
  #rows = []
  #counts = new Counts()
  #tokens = 0
  #hashes = 0

  /** @param {number} width of vectors @param {number} memoryLimit most bytes */
  constructor(width, memoryLimit) {
    this.#width = width
    this.#limit = memoryLimit
  }

  /** Bytes that the examples take, and a fit of them: its vectors in order, and scores and residuals. */
  get bytes() {
    const n = this.#rows.length
    return 2 * 4 * this.#width * n + BYTES_A_TOKEN * this.#tokens + BYTES_A_HASH * this.#hashes + 8 * 8 * this.#numbers.size * n
  }

  /**
   * Takes note of an example's labels, before it is read.
   *
   * @param {ReturnType<typeof checkExample>} example
   */
  expect({ labels, kind }) {
    this.#kind ??= kind
    if (this.#kind !== kind) throw badArgument('some examples have a label and others labels: all have to have the same')
    for (const label of labels) if (!this.#numbers.has(label)) this.#numbers.set(label, this.#numbers.size)
    if (this.#numbers.size > MOST_LABELS) {
      throw badArgument(`there are ${this.#numbers.size} labels or more; at most ${MOST_LABELS} can be taught`, { labels: this.#numbers.size, limit: MOST_LABELS })
    }
  }

  /**
   * @param {number} index
   * @param {Document} document
   * @param {string[]} labels
   * @param {{ vector: Float32Array, ids: Uint32Array }} reading
   */
  add(index, document, labels, { vector, ids }) {
    const row = this.#rows.length
    if (row % CHUNK === 0) this.#chunks.push(new Float32Array(CHUNK * this.#width))
    this.#chunks[this.#chunks.length - 1].set(vector, (row % CHUNK) * this.#width)
    this.#counts.add(ids)
    this.#tokens += this.#counts.of(row).ids.length
    const content = contentOf(document)
    const sketch = sketchOf(content)
    this.#hashes += sketch.length
    this.#rows.push({ index, hash: hashOf(content), sketch, labels: labels.map((label) => /** @type {number} */ (this.#numbers.get(label))) })
    if (this.bytes > this.#limit) {
      throw new LinformerError('OUT_OF_MEMORY', `${row + 1} examples need ${this.bytes} bytes; memoryBudget is ${this.#limit}`, { examples: row + 1, bytes: this.bytes, limit: this.#limit })
    }
  }

  /**
   * The labels are in alphabetical order and the rows in that of their texts' hashes, whatever order they came in.
   *
   * @param {number} vocabulary
   * @param {readonly { message: string }[]} skipped examples that were left out, and why
   * @returns {{ read: import('./fit.js').Read, sameText: number[][] }} sameText: groups of examples with one text and other labels
   */
  finish(vocabulary, skipped) {
    const names = [...this.#numbers.keys()].sort((a, b) => a < b ? -1 : 1)
    const nameOf = [...this.#numbers.keys()]
    // Different texts of each label, and of all: one that comes again says nothing new, and is held out together with the first.
    const texts = new Map(names.map((name) => [name, new Set()]))
    for (const { hash, labels } of this.#rows) for (const label of labels) texts.get(nameOf[label])?.add(hash)
    const times = (/** @type {string} */ name) => texts.get(name)?.size ?? 0
    const labels = names.filter((name) => times(name) > 0)
    const kind = this.#kind ?? 'one'
    const needed = kind === 'one' ? 2 : 1
    const inAll = new Set(this.#rows.map(({ hash }) => hash)).size
    if (labels.filter((name) => times(name) >= 2).length < needed || inAll < 4) {
      const told = labels.slice(0, 10).map((name) => `${show(name)} (${times(name)})`).join(', ') || 'no examples'
      const left = skipped.length === 0 ? '' : `; ${skipped.length} could not be used, the first: ${skipped[0].message}`
      const least = `${needed === 2 ? 'two labels' : 'a label'} with two different texts${needed === 2 ? ' each' : ''}, and four different texts in all,`
      throw badArgument(`there is too little to learn from: at least ${least} are needed, and there are ${told}${left}`, { labels: labels.length, examples: this.#rows.length })
    }
    const position = new Map(labels.map((name, c) => [name, c]))
    const order = this.#rows.map((_, row) => row)
    const key = (/** @type {number} */ row) => `${this.#rows[row].hash} ${this.#rows[row].labels.map((label) => nameOf[label]).sort().join('\0')}`
    const keys = order.map(key)
    order.sort((a, b) => keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : this.#rows[a].index - this.#rows[b].index)
    const n = order.length
    const vectors = new Float32Array(n * this.#width)
    const counts = new Counts()
    const label = new Int32Array(n)
    const has = new Uint8Array(kind === 'many' ? n * labels.length : 0)
    order.forEach((row, i) => {
      const from = (row % CHUNK) * this.#width
      vectors.set(this.#chunks[Math.floor(row / CHUNK)].subarray(from, from + this.#width), i * this.#width)
      counts.copy(this.#counts, row)
      for (const own of this.#rows[row].labels) {
        const c = /** @type {number} */ (position.get(nameOf[own]))
        if (kind === 'one') label[i] = c
        else has[i * labels.length + c] = 1
      }
    })
    this.#chunks = []
    return {
      read: {
        vectors,
        width: this.#width,
        counts,
        vocabulary,
        hashes: order.map((row) => this.#rows[row].hash),
        sketches: order.map((row) => this.#rows[row].sketch),
        indices: order.map((row) => this.#rows[row].index),
        targets: kind === 'one' ? { kind, classes: labels.length, label } : { kind, classes: labels.length, has },
        labels
      },
      sameText: contradictions(order.map((row) => this.#rows[row]))
    }
  }
}

/**
 * Groups of examples that have one text and different labels.
 *
 * @param {{ index: number, hash: string, labels: number[] }[]} rows in the order of hashes
 */
function contradictions(rows) {
  const groups = []
  for (let from = 0, to; from < rows.length; from = to) {
    to = from + 1
    while (to < rows.length && rows[to].hash === rows[from].hash) to++
    const group = rows.slice(from, to)
    const labels = new Set(group.map((row) => [...row.labels].sort((a, b) => a - b).join()))
    if (labels.size > 1) groups.push(group.map(({ index }) => index).sort((a, b) => a - b))
  }
  return groups
}
