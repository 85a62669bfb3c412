/**
 * A loaded trunk: it reads documents, one after another, and leaves each to any number of heads.
 */
import { abortable, LinformerError, namingMemory, throwIfAborted } from '../common/errors.js'
import { createPause } from '../common/pause.js'
import { notFinite } from '../engine/instance.js'
import { Tokens } from '../engine/tokens.js'
import { checkExplanation } from './explain.js'
import { readHead } from './head-reading.js'
import { isEmpty } from './inputs.js'
import { readWords } from './words.js'

/**
 * @typedef {import('../engine/instance.js').Engine} Engine
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').ProgressEvent} ProgressEvent
 * @typedef {import('../source/head.js').Head} Head
 * @typedef {import('../source/model.js').Model} Model
 * @typedef {import('./head-reading.js').Range} Range
 * @typedef {import('./inputs.js').Document} Document
 *
 * @typedef {object} Ask what a reading is for
 * @property {readonly Head[]} heads
 * @property {boolean} offsets whether it is asked where tokens are
 * @property {boolean} contributions whether they are asked for
 * @property {boolean} each whether they are to be told of each token
 * @property {boolean} pooled whether the trunk's vector is asked for
 *
 * @typedef {object} Turn a caller's time with the engine
 * @property {() => void} check throws when the work is to stop
 * @property {() => Promise<void>} pause to take as often as you like
 * @property {(event: ProgressEvent) => void} progress
 *
 * @typedef {object} Judgement of one head on a whole document
 * @property {number[]} logits
 * @property {Range[]} evidence with window-max, the window of each class, in tokens
 * @property {Float32Array | undefined} contributions [used, n_classes]: their mean plus the bias is the logit
 *
 * @typedef {object} Reading
 * @property {Tokens} tokens
 * @property {number} used tokens that were read
 * @property {number} windows
 * @property {Judgement[]} judgements one for each head
 * @property {Float32Array | undefined} pooled [d_model]
 */

const done = () => {}

export class Trunk {
  /** @type {Engine | undefined} */
  #engine
  #model
  /** Calls wait for the one before: there is one workspace. */
  #queue = Promise.resolve()

  /**
   * @param {Engine} engine with its weights loaded
   * @param {Model} model
   */
  constructor(engine, model) {
    this.#engine = engine
    const { config, head, tokenizer } = model
    this.#model = { config, head, sep: tokenizer.sep }
  }

  get disposed() {
    return this.#engine === undefined
  }

  /** Frees the memory. Work that is under way is rejected with DISPOSED. */
  dispose() {
    this.#engine?.dispose()
    this.#engine = undefined
  }

  /**
   * Work with the engine, when the work before it is done.
   *
   * @template T
   * @param {{ signal?: AbortSignal, onProgress?: (event: ProgressEvent) => void }} options
   * @param {Pick<ProgressEvent, 'index' | 'count'>} place of the document among others
   * @param {(turn: Turn) => Promise<T>} work
   * @returns {Promise<T>}
   */
  take({ signal, onProgress }, place, work) {
    const before = this.#queue
    const check = () => {
      if (this.disposed) throw new LinformerError('DISPOSED', 'this classifier has been disposed of')
      throwIfAborted(signal)
    }
    const result = abortable(signal, () => before).then(() => namingMemory(async () => {
      check()
      return work({ check, pause: createPause(check), progress: (event) => onProgress?.(Object.assign(event, place)) })
    }))
    // One that is aborted while it waits leaves the one before it running.
    this.#queue = result.then(done, () => before)
    return result
  }

  /**
   * Reads a document once, whatever its length.
   *
   * @param {Document} document
   * @param {ClassifyOptions['overflow']} overflow
   * @param {Ask} ask
   * @param {Turn} turn
   * @returns {Promise<Reading>}
   */
  async read(document, overflow, ask, turn) {
    const engine = /** @type {Engine} */ (this.#engine)
    const tokens = await this.#tokenize(engine, document, ask.offsets, turn)
    const { capacity } = engine
    const total = tokens.length
    if (total > capacity && overflow === 'error') {
      throw new LinformerError('TEXT_TOO_LONG', `the text has ${total} tokens; the capacity is ${capacity}`, { tokens: total, capacity })
    }
    const used = overflow === 'truncate' ? Math.min(total, capacity) : total
    const windows = Math.ceil(used / capacity)
    const classes = ask.heads.reduce((sum, { config }) => sum + config.n_classes, 0)
    if (ask.contributions) checkExplanation(used, classes, ask.each)
    const gathered = ask.heads.map((head) => new Gathered(head, used, ask.contributions))
    const sum = ask.pooled ? new Float64Array(this.#model.config.d_model) : undefined
    let weight = 0
    for (let window = 0; window < windows; window++) {
      // Windows of even length: none is so short that its tokens would lack their context.
      const from = Math.floor((window * used) / windows)
      const to = Math.floor(((window + 1) * used) / windows)
      const ids = tokens.ids.range(from, to)
      const output = await engine.encode(ids, turn.pause, (done, tiles) => {
        turn.progress({ phase: 'encode', done: from + ((to - from) * done) / tiles, total: used, window, windows })
      }, ask.contributions)
      for (const each of gathered) {
        // The engine's own head has read the rows already.
        const own = each.head === this.#model.head && each.head.config.pooling === 'mean'
        await each.add(own ? Object.assign(output, { weight: to - from, evidence: [] }) : await readHead(engine.rows(ids), each.head, turn.pause), from, to, turn.pause)
      }
      if (sum !== undefined) {
        const pooled = engine.pooled()
        weight += pooled.weight
        for (let i = 0; i < sum.length; i++) sum[i] += pooled.weight * pooled.vector[i]
      }
    }
    const judgements = []
    for (const each of gathered) judgements.push(await each.finish(() => tokens.ids.range(0, used), turn.pause))
    return { tokens, used, windows, judgements, pooled: sum && Float32Array.from(sum, (value) => value / weight) }
  }

  /**
   * @param {Engine} engine
   * @param {Document} document
   * @param {boolean} offsets
   * @param {Turn} turn
   */
  async #tokenize(engine, document, offsets, { pause, progress }) {
    const tokens = new Tokens(offsets)
    if (isEmpty(document)) throw emptyText(document)
    if ('tokens' in document) {
      const { vocab_size: most } = this.#model.config
      const wrong = document.tokens.findIndex((id) => id >= most)
      if (wrong !== -1) {
        throw new LinformerError('BAD_ARGUMENT', `tokens has ${document.tokens[wrong]} at ${wrong}; ids go from 0 to ${most - 1}`, { id: document.tokens[wrong], index: wrong })
      }
      tokens.give(document.tokens)
      return tokens
    }
    const { text, textPair } = document
    const total = text.length + (textPair?.length ?? 0)
    const tokenize = async (/** @type {string} */ part, /** @type {number} */ before) => {
      await engine.tokenize(part, (found) => tokens.take(found), (read) => {
        progress({ phase: 'tokenize', done: before + read, total })
        return pause()
      })
    }
    await tokenize(text, 0)
    tokens.inText = tokens.length
    if (textPair !== undefined) {
      tokens.take(Uint32Array.of(this.#model.sep, 0, 0))
      await tokenize(textPair, text.length)
    }
    return tokens
  }
}

/** @param {Document} document of which `isEmpty` holds */
function emptyText(document) {
  if ('tokens' in document) return new LinformerError('EMPTY_TEXT', 'there are no tokens: there is nothing to classify', { tokens: 0 })
  const characters = document.text.length + (document.textPair?.length ?? 0)
  const why = characters === 0 ? 'there is nothing to classify' : `none of its characters (${characters}) is visible`
  return new LinformerError('EMPTY_TEXT', `the text is empty: ${why}`, { characters })
}

/** What one head says of the windows of a document, put together. */
class Gathered {
  #used
  #weight = 0
  /** @type {number[]} */
  #logits
  /** @type {Range[]} */
  #evidence = []
  /** @type {Float32Array | undefined} */
  #contributions
  /** Of each window, with contributions. @type {{ from: number, to: number, weight: number }[]} */
  #windows = []

  /**
   * @param {Head} head
   * @param {number} used tokens of the document
   * @param {boolean} contributions whether they are kept
   */
  constructor(head, used, contributions) {
    this.head = head
    this.#used = used
    const { n_classes: classes, pooling } = head.config
    this.#logits = new Array(classes).fill(pooling === 'window-max' ? -Infinity : 0)
    if (contributions) this.#contributions = new Float32Array(used * classes)
  }

  /**
   * @param {import('./head-reading.js').HeadReading} reading of tokens from .. to
   * @param {number} from
   * @param {number} to
   * @param {() => Promise<void>} pause
   */
  async add({ logits, weight, evidence, contributions }, from, to, pause) {
    const classes = this.#logits.length
    if (this.head.config.pooling === 'window-max') {
      for (let c = 0; c < classes; c++) {
        if (logits[c] <= this.#logits[c]) continue
        this.#logits[c] = logits[c]
        const before = this.#evidence[c]
        this.#evidence[c] = { from: from + evidence[c].from, to: from + evidence[c].to }
        if (this.#contributions === undefined) continue
        // Only the window that decides has shares; they are of the whole document's mean.
        for (let t = before?.from ?? 0; t < (before?.to ?? 0); t++) this.#contributions[t * classes + c] = 0
        for (let t = evidence[c].from; t < evidence[c].to; t++) {
          this.#contributions[(from + t) * classes + c] = contributions[t * classes + c] * this.#used / (to - from)
        }
      }
      return
    }
    // Weighted means of windows, whose mean is that of the whole document.
    this.#weight += weight
    for (let c = 0; c < classes; c++) this.#logits[c] += logits[c] * weight
    if (this.#contributions === undefined) return
    this.#contributions.set(contributions, from * classes)
    this.#windows.push({ from, to, weight })
    await pause()
  }

  /**
   * @param {() => Int32Array} read gives the ids of the whole document
   * @param {() => Promise<void>} pause
   * @returns {Promise<Judgement>}
   */
  async finish(read, pause) {
    const { config, words } = this.head
    const classes = config.n_classes
    const used = this.#used
    const kept = this.#contributions
    if (config.pooling !== 'window-max') {
      for (let c = 0; c < classes; c++) this.#logits[c] /= this.#weight
      for (const { from, to, weight } of this.#windows) {
        const factor = (weight / this.#weight) * (used / (to - from))
        if (factor === 1 || kept === undefined) continue
        for (let i = from * classes; i < to * classes; i++) kept[i] *= factor
      }
    }
    if (words !== undefined) {
      const ids = read()
      const { logits, share } = await readWords(words, ids, classes, pause)
      for (let c = 0; c < classes; c++) this.#logits[c] += logits[c]
      if (kept !== undefined) {
        for (const [t, id] of ids.entries()) {
          for (let c = 0; c < classes; c++) kept[t * classes + c] += used * share(id, c)
          if (t % 4096 === 0) await pause()
        }
      }
    }
    if (!this.#logits.every(Number.isFinite)) throw notFinite()
    return { logits: this.#logits, evidence: this.#evidence, contributions: kept }
  }
}
