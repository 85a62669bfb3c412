/**
 * A loaded model, and what it says about documents.
 */
import { addDispose } from '../common/dispose.js'
import { abortable, LinformerError, namingMemory, throwIfAborted } from '../common/errors.js'
import { createPause } from '../common/pause.js'
import { isBlank } from '../common/visible.js'
import { Tokens } from '../engine/tokens.js'
import { checkExplanation, explain } from './explain.js'
import { classifyInput } from './inputs.js'

/**
 * @typedef {import('../engine/instance.js').Engine} Engine
 * @typedef {import('../source/model.js').Model} Model
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').Result} Result
 * @typedef {import('./inputs.js').Document} Document
 */

/** @param {number[]} logits @returns {number[]} probabilities that sum to 1 */
function softmax(logits) {
  const top = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - top))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

export class Classifier {
  /** @type {Engine | undefined} */
  #engine
  #model
  #disposed = false
  /** Calls wait for the one before: there is one workspace. */
  #queue = Promise.resolve()

  /**
   * @param {Engine} engine with its weights loaded
   * @param {Model} model
   * @param {import('../engine/backend.js').Backend} backend
   * @param {import('../engine/instance.js').Arithmetic} arithmetic
   */
  constructor(engine, model, backend, { precision, threads }) {
    this.#engine = engine
    const { config, labels, metadata, tokenizer } = model
    this.#model = { config, labels, sep: tokenizer.sep }
    this.config = Object.freeze({ ...config, k: Object.freeze([...config.k]) })
    this.labels = Object.freeze([...labels])
    this.name = metadata.name
    this.metadata = Object.freeze({ ...metadata })
    this.backend = backend
    this.precision = precision
    this.threads = threads
    this.memory = Object.freeze({ ...engine.memoryReport })
    addDispose(this)
  }

  // Functions of the object's own, whatever `this` is: they work detached, in a copy, and through the proxies that
  // frameworks put around objects.

  /**
   * @param {any} input a document, an array of them, or an async iterable
   * @param {any} [options]
   * @returns {any} see index.d.ts
   */
  classify = (input, options = {}) => classifyInput(input, options, (...document) => this.#next(...document))

  /**
   * Frees the memory. A classification that is running is rejected with DISPOSED. Calling it again does nothing.
   */
  dispose = () => {
    this.#disposed = true
    this.#engine?.dispose()
    this.#engine = undefined
  }

  /**
   * @param {Document} document
   * @param {ClassifyOptions} options
   * @param {number} index
   * @param {number | undefined} count
   * @returns {Promise<Result>}
   */
  #next(document, options, index, count) {
    const before = this.#queue
    const turn = abortable(options.signal, () => before)
    const result = turn.then(() => namingMemory(() => this.#classifyOne(document, options, index, count)))
    // One that is aborted while it waits leaves the one before it running.
    this.#queue = result.then(() => before, () => before)
    return result
  }

  /**
   * @param {Document} document
   * @param {ClassifyOptions} options
   * @param {number} index
   * @param {number | undefined} count
   * @returns {Promise<Result>}
   */
  async #classifyOne(document, options, index, count) {
    const { signal, onProgress, overflow = 'window', topK, explain: wanted = false } = options
    const check = () => {
      if (this.#disposed) throw new LinformerError('DISPOSED', 'this classifier has been disposed of')
      throwIfAborted(signal)
    }
    check()
    const engine = /** @type {Engine} */ (this.#engine)
    const pause = createPause(check)
    const { config, labels, sep } = this.#model

    const tokens = new Tokens(Boolean(wanted))
    const units = document.text.length + (document.textPair?.length ?? 0)
    if (isBlank(document.text) && isBlank(document.textPair ?? '')) {
      const why = units === 0 ? 'there is nothing to classify' : `none of its characters (${units}) is visible`
      throw new LinformerError('EMPTY_TEXT', `the text is empty: ${why}`, { characters: units })
    }
    const tokenize = async (/** @type {string} */ text, /** @type {number} */ before) => {
      await engine.tokenize(text, (part) => tokens.take(part), (read) => {
        onProgress?.({ phase: 'tokenize', done: before + read, total: units, index, count })
        return pause()
      })
    }
    await tokenize(document.text, 0)
    tokens.inText = tokens.length
    if (document.textPair !== undefined) {
      tokens.take(Uint32Array.of(sep, 0, 0))
      await tokenize(document.textPair, document.text.length)
    }
    const total = tokens.length

    const { capacity } = engine
    if (total > capacity && overflow === 'error') {
      throw new LinformerError('TEXT_TOO_LONG', `the text has ${total} tokens; the capacity is ${capacity}`, { tokens: total, capacity })
    }
    const used = overflow === 'truncate' ? Math.min(total, capacity) : total
    const windows = Math.ceil(used / capacity)
    if (wanted) checkExplanation(used, config.n_classes, wanted !== 'passages')
    const contributions = wanted ? new Float32Array(used * config.n_classes) : undefined
    const logits = new Array(config.n_classes).fill(0)
    for (let window = 0; window < windows; window++) {
      // Windows of even length; weighted by it, their logits average to the mean over all tokens.
      const from = Math.floor((window * used) / windows)
      const to = Math.floor(((window + 1) * used) / windows)
      const output = await engine.encode(tokens.ids.range(from, to), pause, (done, tiles) => {
        onProgress?.({ phase: 'encode', done: from + ((to - from) * done) / tiles, total: used, window, windows, index, count })
      }, Boolean(wanted))
      output.logits.forEach((logit, c) => { logits[c] += (logit * (to - from)) / used })
      contributions?.set(output.contributions, from * config.n_classes)
    }

    const scores = softmax(logits)
    const ranked = labels.map((label, c) => ({ label, score: scores[c] }))
    const winner = scores.indexOf(Math.max(...scores))
    ranked.sort((a, b) => b.score - a.score)
    /** @type {Result} */
    const result = {
      label: labels[winner],
      score: scores[winner],
      scores: ranked.slice(0, topK),
      tokens: total,
      tokensUsed: used,
      truncated: used < total,
      windows
    }
    if (contributions) {
      const each = wanted !== 'passages'
      result.explanation = await explain({ tokens, used, contributions, logits, winner, input: document, each, pause })
    }
    return result
  }
}
