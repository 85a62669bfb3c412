/**
 * A loaded trunk: it reads documents, one after another, and leaves each to any number of heads.
 */
import { abortable, LinformerError, namingMemory, throwIfAborted } from '../common/errors.js'
import { createPause } from '../common/pause.js'
import { lineEnds, Tokens } from '../engine/tokens.js'
import { checkExplanation } from './explain.js'
import { isEmpty } from './inputs.js'
import { Mean } from './mean.js'

/**
 * @typedef {import('../engine/heads.js').Judgement} Judgement
 * @typedef {import('../engine/heads.js').PlacedHead} PlacedHead
 * @typedef {import('../engine/instance.js').Engine} Engine
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').ProgressEvent} ProgressEvent
 * @typedef {import('../source/head.js').Head} Head
 * @typedef {import('../source/model.js').Model} Model
 * @typedef {import('./inputs.js').Document} Document
 *
 * @typedef {object} Ask what a reading is for
 * @property {readonly PlacedHead[]} heads
 * @property {boolean} offsets whether it is asked where tokens are
 * @property {boolean} contributions whether they are asked for
 * @property {boolean} each whether they are to be told of each token
 * @property {boolean} pooled whether the document's vectors are asked for
 *
 * @typedef {object} Turn a caller's time with the engine
 * @property {() => void} check throws when the work is to stop
 * @property {() => Promise<void>} pause to take as often as you like
 * @property {(event: ProgressEvent) => void} progress
 *
 * @typedef {object} Reading
 * @property {Tokens} tokens
 * @property {number} used tokens that were read
 * @property {number} windows
 * @property {Map<PlacedHead, Judgement>} judgements one for each head
 * @property {Float32Array | undefined} pooled [d_model] the mean of the trunk's outputs
 * @property {Float32Array | undefined} vector [2 d_model] its direction, and that of the mean of the token vectors
 */

const done = () => {}

/** It stands for no characters, and counts as one. */
const SEPARATOR = { read: ' ', returns: [] }

/** Ids that are taken over between two pauses, where they are given. */
const TOKENS_PER_SLICE = 2 ** 18

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
    const { config, tokenizer } = model
    this.#model = { config, sep: tokenizer.sep }
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
   * Gives a head a place beside the trunk. What is being read goes on meanwhile.
   *
   * @param {Head} head
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<PlacedHead>}
   */
  async attach(head, signal) {
    const check = () => {
      this.#checkDisposed()
      throwIfAborted(signal)
    }
    check()
    return /** @type {Engine} */ (this.#engine).placeHead(head, createPause(check))
  }

  /** Frees a head's place. Work that uses it is rejected with DISPOSED. @param {PlacedHead} placed */
  detach(placed) {
    this.#engine?.freeHead(placed)
  }

  #checkDisposed() {
    if (this.disposed) throw new LinformerError('DISPOSED', 'this classifier has been disposed of')
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
      this.#checkDisposed()
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
    const heads = [...new Set(ask.heads)] // each keeps one document in mind
    const classes = heads.reduce((sum, { head }) => sum + head.config.n_classes, 0)
    if (ask.contributions) checkExplanation(used, classes, ask.each)
    const readings = new Map(heads.map((head) => [head, engine.beginHead(head, used, ask.contributions)]))
    const { d_model: width } = this.#model.config
    const outputs = ask.pooled ? new Mean(width) : undefined
    const tokenVectors = ask.pooled ? new Mean(width) : undefined
    for (let window = 0; window < windows; window++) {
      // Windows of even length: none is so short that its tokens would lack their context.
      const from = Math.floor((window * used) / windows)
      const to = Math.floor(((window + 1) * used) / windows)
      const ids = tokens.ids.range(from, to)
      await engine.encode(ids, turn.pause, (done, tiles) => {
        turn.progress({ phase: 'encode', done: from + ((to - from) * done) / tiles, total: used, window, windows })
      })
      for (const reading of readings.values()) await reading.next(ids.length, turn.pause)
      outputs?.add(engine.pooled())
      tokenVectors?.add(engine.tokenMean())
    }
    /** @type {Map<PlacedHead, Judgement>} */
    const judgements = new Map()
    for (const [head, reading] of readings) judgements.set(head, await reading.finish(tokens.ids.range(0, used), turn.pause))
    return { tokens, used, windows, judgements, pooled: outputs?.value, vector: outputs && tokenVectors && joined(outputs.direction, tokenVectors.direction) }
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
      for (let from = 0; from < document.tokens.length; from += TOKENS_PER_SLICE) {
        const some = document.tokens.subarray(from, from + TOKENS_PER_SLICE)
        const wrong = some.findIndex((id) => id >= most)
        if (wrong !== -1) {
          throw new LinformerError('BAD_ARGUMENT', `tokens[${from + wrong}] is ${some[wrong]}; ids go from 0 to ${most - 1}`, { id: some[wrong], index: from + wrong })
        }
        tokens.give(some)
        await pause()
      }
      return tokens
    }
    const text = lineEnds(document.text)
    const pair = document.textPair === undefined ? undefined : lineEnds(document.textPair)
    const total = text.read.length + (pair?.read.length ?? 0)
    const tokenize = async (/** @type {ReturnType<typeof lineEnds>} */ part, /** @type {number} */ before) => {
      tokens.beginText(part)
      await engine.tokenize(part.read, (found) => tokens.take(found), (done) => {
        progress({ phase: 'tokenize', done: before + done, total })
        return pause()
      })
    }
    await tokenize(text, 0)
    tokens.inText = tokens.length
    if (pair !== undefined) {
      tokens.beginText(SEPARATOR)
      tokens.take(Uint32Array.of(this.#model.sep, 0, 0))
      await tokenize(pair, text.read.length)
    }
    return tokens
  }
}

/** @param {Float32Array} first @param {Float32Array} second */
function joined(first, second) {
  const both = new Float32Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

/** @param {Document} document of which `isEmpty` holds */
function emptyText(document) {
  if ('tokens' in document) return new LinformerError('EMPTY_TEXT', 'there are no tokens: there is nothing to classify', { tokens: 0 })
  const characters = document.text.length + (document.textPair?.length ?? 0)
  const why = characters === 0 ? 'there is nothing to classify' : `none of its characters (${characters}) is visible`
  return new LinformerError('EMPTY_TEXT', `the text is empty: ${why}`, { characters })
}
