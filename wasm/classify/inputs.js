/**
 * What `classify` and `embed` take: their options, and documents one by one, in arrays or as they come. The same for every
 * classifier, whether it works here or in a worker.
 */
import { abortable, LinformerError, show } from '../common/errors.js'
import { isA } from '../common/kinds.js'
import { isBlank } from '../common/visible.js'

/**
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').Failure} Failure
 * @typedef {{ text: string, textPair?: string } | { tokens: Uint16Array | Uint32Array }} Document
 * @typedef {{ signal?: AbortSignal, onProgress?: (event: import('../index.js').ProgressEvent) => void }} Callbacks
 */

/**
 * Does the work on one document, the `index`-th of `count`, if their number is known.
 *
 * @template T
 * @typedef {(document: Document, options: ClassifyOptions, index: number, count: number | undefined) => Promise<T>} Work
 */

const OVERFLOW = ['window', 'truncate', 'error']
const EXPLAIN = [true, false, 'attribution', 'passages', 'removal']

const badArgument = (/** @type {string} */ message) => new LinformerError('BAD_ARGUMENT', message)

const kindOf = (/** @type {unknown} */ value) => value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value

/** @param {string} name what the value is called */
export const notOnTrunk = (name) => badArgument(`${name} is not a classifier on this trunk`)

/**
 * Checks what `load` and `classify` have in common.
 *
 * @param {{ signal?: unknown, onProgress?: unknown }} options
 */
export function checkCallbacks({ signal, onProgress }) {
  const { aborted, addEventListener } = /** @type {Partial<AbortSignal>} */ (signal ?? {})
  if (signal !== undefined && (typeof aborted !== 'boolean' || typeof addEventListener !== 'function')) {
    throw badArgument('signal is not an AbortSignal')
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') throw badArgument('onProgress is not a function')
}

/** @param {unknown} options @returns {Record<string, unknown>} */
export function asOptions(options) {
  if (typeof options !== 'object' || options === null) throw badArgument(`options is ${kindOf(options)}, not an object`)
  return /** @type {Record<string, unknown>} */ (options)
}

const isCount = (/** @type {unknown} */ value) => value === undefined || (Number.isInteger(value) && Number(value) >= 1)
const names = (/** @type {unknown[]} */ values) => values.map((value) => typeof value === 'string' ? `'${value}'` : String(value)).join(', ')

/** @param {unknown} given @returns {ClassifyOptions} */
function checkOptions(given) {
  const options = asOptions(given)
  const { overflow, explain, heads } = options
  for (const key of ['topK', 'removals']) {
    if (!isCount(options[key])) throw badArgument(`${key} is ${show(options[key])}; it has to be a whole number from 1`)
  }
  if (overflow !== undefined && !(/** @type {readonly unknown[]} */ (OVERFLOW)).includes(overflow)) {
    throw badArgument(`overflow is ${show(overflow)}; it can be ${names(OVERFLOW)}`)
  }
  if (explain !== undefined && !EXPLAIN.includes(/** @type {string | boolean} */ (explain))) {
    throw badArgument(`explain is ${show(explain)}; it can be ${names(EXPLAIN)}`)
  }
  if (heads !== undefined && !(Array.isArray(heads) && heads.length > 0)) {
    throw badArgument(`heads is ${Array.isArray(heads) ? 'empty' : kindOf(heads)}; it has to be an array of classifiers`)
  }
  checkCallbacks(options)
  return /** @type {ClassifyOptions} */ (options)
}

/** @param {unknown} input @returns {Document} */
export function checkInput(input) {
  if (typeof input === 'string') return { text: input }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw badArgument(`a document is a string, { text, textPair } or { tokens }, not ${kindOf(input)}`)
  }
  const { text, textPair, tokens } = /** @type {Record<string, unknown>} */ (input)
  if (tokens !== undefined) {
    if (text !== undefined || textPair !== undefined) throw badArgument('a document has tokens or text, not both')
    if (!isA(tokens, 'Uint16Array') && !isA(tokens, 'Uint32Array')) {
      throw badArgument(`tokens is ${kindOf(tokens)}; it has to be a Uint16Array or Uint32Array`)
    }
    return { tokens }
  }
  if (typeof text !== 'string') throw badArgument(`text is ${kindOf(text)}, not a string`)
  if (textPair === undefined) return { text }
  if (typeof textPair !== 'string') throw badArgument(`textPair is ${kindOf(textPair)}, not a string`)
  return { text, textPair }
}

/** @param {Document} document @returns {boolean} whether there is nothing in it to read */
export function isEmpty(document) {
  if ('tokens' in document) return document.tokens.length === 0
  return isBlank(document.text) && isBlank(document.textPair ?? '')
}

/**
 * The result of one among several documents, or what was wrong with it. Errors that end the whole are thrown.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @returns {Promise<T | Failure>}
 */
async function resultOrFailure(attempt) {
  try {
    return await attempt()
  } catch (error) {
    const ends = !(error instanceof LinformerError) || ['ABORTED', 'DISPOSED', 'WORKER_FAILED'].includes(error.code)
    if (ends) throw error
    return { error }
  }
}

/**
 * @template T
 * @param {readonly unknown[]} inputs
 * @param {ClassifyOptions} options
 * @param {Work<T>} work
 */
async function eachOfArray(inputs, options, work) {
  const results = []
  for (const [index, input] of inputs.entries()) {
    results.push(await resultOrFailure(async () => work(checkInput(input), options, index, inputs.length)))
  }
  return results
}

/**
 * Asks for the next document when the result of the one before has been taken: a slow reader holds a fast source back.
 *
 * @template T
 * @param {AsyncIterable<unknown>} inputs
 * @param {unknown} options
 * @param {Work<T>} work
 */
async function* eachOfStream(inputs, options, work) {
  const checked = checkOptions(options)
  const source = inputs[Symbol.asyncIterator]()
  let ended = false
  try {
    for (let index = 0; ; index++) {
      const { done, value } = await abortable(checked.signal, () => source.next())
      ended = done === true
      if (ended) return
      yield await resultOrFailure(async () => work(checkInput(value), checked, index, undefined))
    }
  } finally {
    // Not waited for: a source that hangs must not hold the caller.
    if (!ended) Promise.resolve(source.return?.()).catch(() => {})
  }
}

/** @param {unknown} input @returns {input is AsyncIterable<unknown>} */
const isStream = (input) => typeof (/** @type {Partial<AsyncIterable<unknown>> | undefined | null} */ (input))?.[Symbol.asyncIterator] === 'function'

/**
 * `classify` or `embed`, on top of a function that works on one document.
 *
 * @template T
 * @param {unknown} input
 * @param {unknown} options
 * @param {Work<T>} work
 * @returns {Promise<T | (T | Failure)[]> | AsyncGenerator<T | Failure, void, undefined>}
 */
export function eachInput(input, options, work) {
  if (isStream(input)) return eachOfStream(input, options, work)
  return (async () => {
    const checked = checkOptions(options)
    return Array.isArray(input) ? eachOfArray(input, checked, work) : work(checkInput(input), checked, 0, 1)
  })()
}
