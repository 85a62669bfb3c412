/**
 * A trunk in the engine: its tokenizer, weights and run, and the heads beside it.
 */
import { LinformerError } from '../common/errors.js'
import { packConfig } from '../source/model.js'
import { LF, statusName, TEXT_CHUNK, TOKENIZER_LOWERCASE } from './abi.js'
import { Calls, align, instantiate } from './calls.js'
import { tilesOfSlice } from './cost.js'
import { Heads, engineTensors, packHeadConfig } from './heads.js'
import { choosePlan, createPlanner } from './memory.js'
import { THREAD_STACK, Threads } from './threads.js'

/**
 * @typedef {import('../source/head.js').Head} Head
 * @typedef {import('../source/model.js').Model} Model
 * @typedef {import('./heads.js').PlacedHead} PlacedHead
 * @typedef {import('./memory.js').Plan} Plan
 * @typedef {{ precision: 'float32' | 'int8', threads: number }} Arithmetic what the engine multiplies in, and on how many threads
 * @typedef {{ memoryBudget?: number, maxTokens?: number, maxOperations?: number, headRoom?: number }} PlanOptions
 */

/** Milliseconds that a slice of work should take before the event loop has its turn. */
const SLICE_MS = 8

/**
 * A function that plans memory for this model, by a small instance of the module.
 *
 * @param {WebAssembly.Module} module
 * @param {Model} model
 * @param {Arithmetic} arithmetic
 * @param {PlanOptions} [options]
 * @returns {(capacity: number) => Plan}
 */
export function plannerFor(module, model, { precision, threads }, { headRoom } = {}) {
  const { exports, memory } = instantiate(module, 3, threads > 1)
  const config = align(Number(exports.__heap_base.value))
  const values = packConfig(model, precision)
  new Int32Array(memory.buffer, config, values.length).set(values)
  const headConfig = config + align(values.byteLength)
  if (model.head !== undefined) writeHeadConfig(memory, headConfig, model.head)
  return createPlanner(exports, config, headConfig, model, { threads, headRoom })
}

/** @param {WebAssembly.Memory} memory @param {number} at @param {Head} head */
function writeHeadConfig(memory, at, head) {
  const values = packHeadConfig(head)
  new Int32Array(memory.buffer, at, values.length).set(values)
}

/**
 * Bytes of the memory that a head takes.
 *
 * @param {WebAssembly.Module} module
 * @param {Head} head
 * @returns {number}
 */
export function headBytes(module, head) {
  const { exports, memory } = instantiate(module, 3, false)
  const at = align(Number(exports.__heap_base.value))
  writeHeadConfig(memory, at, head)
  return align(Number(exports.lf_head_bytes(at)))
}

export class Engine {
  #module
  #calls
  #heads
  #plan
  #arithmetic
  #run = 0
  /** Address of the run's ids, once it has been given some. */
  #ids = 0
  #tokenizer = 0
  #config
  /** Tiles that take about SLICE_MS, from the speed so far. */
  #tiles = 1
  #threads = new Threads((reason) => this.#calls.stop(new Error(`a thread ${reason}`)))

  /**
   * Makes the memory and an empty model in it; `loadWeights` fills it.
   *
   * @param {WebAssembly.Module} module
   * @param {Model} model
   * @param {Arithmetic} arithmetic
   * @param {PlanOptions} options
   */
  constructor(module, model, arithmetic, options) {
    this.#plan = choosePlan(plannerFor(module, model, arithmetic, options), model.config.n_max, options)
    this.#module = module
    this.#calls = new Calls(module, this.#plan.pages, arithmetic.threads > 1)
    this.#heads = new Heads(this.#calls, this.#plan.heads)
    this.#arithmetic = arithmetic
    this.#config = model.config
  }

  get memoryReport() {
    return this.#plan.report
  }

  get capacity() {
    return this.#plan.report.capacity
  }

  /** The linear memory itself, for tests. */
  get buffer() {
    return this.#calls.memory.buffer
  }

  /**
   * Hands the engine the tokenizer, every tensor, and the model's own head.
   *
   * @param {Model} model
   * @param {() => Promise<void>} pause called between slices of work
   * @param {(done: number, total: number) => void} progress in bytes
   * @returns {Promise<PlacedHead | undefined>} the model's own head
   */
  async loadWeights(model, pause, progress) {
    const calls = this.#calls
    const { at, loading, report } = this.#plan
    await this.#loadTokenizer(model.tokenizer, pause)

    calls.writeInts(loading.at, packConfig(model, this.#arithmetic.precision))
    calls.check('lf_model_init', at.weights, BigInt(report.weights), loading.at)
    const { weights, head } = model
    const total = [...weights.values(), ...head ? engineTensors(head).values() : []].reduce((sum, { data }) => sum + data.length, 0)
    let done = 0
    const count = (/** @type {number} */ bytes) => {
      done += bytes
      progress(done, total)
    }
    await calls.setTensors('lf_set_tensor', at.weights, weights, loading, pause, count)
    calls.check('lf_model_ready', at.weights)
    const own = head && await this.#heads.place(head, pause, loading, count)
    calls.check('lf_run_init', at.workspace, BigInt(report.workspace), at.weights, report.capacity, this.#arithmetic.threads)
    this.#run = at.workspace
    return own
  }

  /** @param {import('../source/model.js').Tokenizer} tokenizer @param {() => Promise<void>} pause called between slices of work */
  async #loadTokenizer({ vocab, offsets, merges, lowercase }, pause) {
    const calls = this.#calls
    const { at, loading, report } = this.#plan
    let next = loading.at
    const addresses = [vocab, offsets, merges].map(({ data }) => {
      const address = next
      calls.write(address, data)
      next += align(data.length)
      return address
    })
    const sizes = [offsets.shape[0] - 1, merges.shape[0], vocab.shape[0]]
    let status = calls.call('lf_tokenizer_init', at.tokenizer, BigInt(report.tokenizer), ...addresses, ...sizes, lowercase ? TOKENIZER_LOWERCASE : 0)
    while (status === LF.MORE) {
      await pause()
      status = calls.call('lf_tokenizer_index', at.tokenizer)
    }
    if (status === LF.ERROR_TOKENIZER) {
      throw new LinformerError('MODEL_TENSOR', 'the tokenizer\'s tables contradict themselves: offsets have to ascend, every single byte has to be a token once, and every merge has to make a token', { status })
    }
    if (status < 0) throw new LinformerError('ENGINE', `lf_tokenizer_init says ${statusName(status)}`, { status })
    this.#tokenizer = at.tokenizer
  }

  /**
   * Starts the other threads, after loadWeights. Without them, everything works on one.
   *
   * @param {import('./threads.js').StartThread} start
   * @returns {Promise<number>} threads that work on a document, with the caller's
   */
  async startThreads(start) {
    const jobs = Array.from({ length: this.#arithmetic.threads - 1 }, (_, i) => ({
      module: this.#module, memory: this.#calls.memory, run: this.#run, thread: i + 1, stack: this.#plan.at.stacks + (i + 1) * THREAD_STACK
    }))
    return 1 + await this.#threads.start(start, jobs)
  }

  /** Ends the threads. The engine cannot be used any more. */
  dispose() {
    if (this.#run !== 0 && this.#calls.isUsable) this.#calls.call('lf_run_stop', this.#run)
    this.#threads.end()
  }

  /**
   * Tokenises a text, a chunk at a time.
   *
   * @param {string} text
   * @param {(tokens: Uint32Array) => void} take receives id, start, end of each token; a view, valid during the call
   * @param {(read: number) => Promise<void>} pause called after each chunk with the UTF-16 units read so far
   */
  async tokenize(text, take, pause) {
    const encoder = new TextEncoder()
    const chunk = new Uint8Array(TEXT_CHUNK)
    this.#calls.call('lf_tokenizer_begin', this.#tokenizer)
    const textAt = this.#calls.address('lf_tokenizer_text', this.#tokenizer)
    let at = 0
    do {
      // A pair of surrogates must not be torn: alone, each would count as U+FFFD.
      let end = Math.min(text.length, at + TEXT_CHUNK)
      const last = text.charCodeAt(end - 1)
      if (end < text.length && last >= 0xd800 && last < 0xdc00) end--
      // By way of an array of its own, since encoders write into no memory that is shared.
      const { read, written } = encoder.encodeInto(text.slice(at, end), chunk)
      this.#calls.write(textAt, chunk.subarray(0, written))
      at += read
      // A vocabulary that is slow to search takes less than a chunk at once.
      for (let left = written, first = true; left > 0 || first; first = false) {
        const count = this.#calls.call('lf_tokenizer_feed', this.#tokenizer, left, at === text.length ? 1 : 0)
        if (count === LF.ERROR_TOKENIZER) {
          throw new LinformerError('MODEL_TENSOR', `the tokenizer's vocabulary is made so that a long word, near UTF-16 unit ${at}, takes absurdly long to encode`, { status: count })
        }
        if (count < 0) throw new LinformerError('ENGINE', `the tokenizer says ${statusName(count)}`, { status: count })
        if (count > 0) take(new Uint32Array(this.#calls.memory.buffer, this.#calls.address('lf_tokenizer_tokens', this.#tokenizer), 3 * count))
        left = this.#calls.call('lf_tokenizer_left', this.#tokenizer)
        await pause(at)
      }
    } while (at < text.length)
  }

  /**
   * Runs the trunk over up to `capacity` tokens, for heads to read, or for its vector.
   *
   * @param {Int32Array} ids
   * @param {() => Promise<void>} pause called after each slice, and while a thread has not let go of the document before;
   *   in it, the host may say that the thread is gone
   * @param {(done: number, total: number) => void} progress in tiles
   */
  async encode(ids, pause, progress) {
    const calls = this.#calls
    while ((this.#ids = calls.address('lf_run_ids', this.#run)) === 0) await pause()
    calls.writeInts(this.#ids, ids)
    calls.check('lf_begin', this.#run, ids.length)
    const total = calls.call('lf_run_total', this.#run)
    const most = tilesOfSlice(this.#config, ids.length)
    for (let /** @type {number} */ status = LF.MORE; status === LF.MORE;) {
      const before = calls.call('lf_run_done', this.#run)
      const started = performance.now()
      status = calls.check('lf_step', this.#run, Math.min(this.#tiles, most))
      const done = calls.call('lf_run_done', this.#run)
      if (done > before) { // else the other threads have all the tiles there are
        const perTile = (performance.now() - started) / (done - before) * this.#arithmetic.threads
        this.#tiles = Math.max(1, Math.min(most, 2 * this.#tiles, Math.floor(SLICE_MS / perTile)))
      }
      progress(done, total)
      await pause()
    }
  }

  /**
   * The mean of the outputs for the document that `encode` has just read, and what it weighs among those of other windows.
   *
   * @returns {{ vector: Float32Array, weight: number }} `vector` [d_model] is valid until the next run
   */
  pooled() {
    const at = this.#calls.address('lf_run_pooled', this.#run)
    return { vector: this.#calls.floats(at, this.#config.d_model), weight: this.#calls.call('lf_run_weight', this.#run) }
  }

  /** The same of its token vectors. */
  tokenMean() {
    const at = this.#calls.address('lf_run_token_mean', this.#run)
    return { vector: this.#calls.floats(at, this.#config.d_model), weight: this.#calls.call('lf_run_token_weight', this.#run) }
  }

  /**
   * Gives a head a place beside the trunk.
   *
   * @param {Head} head
   * @param {() => Promise<void>} pause
   * @returns {Promise<PlacedHead>}
   * @throws {LinformerError} BUDGET_TOO_SMALL, MODEL_TENSOR
   */
  placeHead(head, pause) {
    return this.#heads.place(head, pause)
  }

  /** @param {PlacedHead} placed */
  freeHead(placed) {
    this.#heads.free(placed)
  }

  /**
   * A head starts on a document, of which `encode` reads one part after another.
   *
   * @param {PlacedHead} placed
   * @param {number} tokens of the document
   * @param {boolean} explained whether contributions are wanted
   */
  beginHead(placed, tokens, explained) {
    const run = { at: this.#run, ids: () => this.#ids, capacity: this.capacity }
    return this.#heads.begin(placed, run, tokens, explained)
  }
}
