/**
 * One instance of the module in its planned memory, and the C API of src/linformer.h called from JavaScript.
 */
import { LinformerError } from '../common/errors.js'
import { isOfHead, packConfig, packHeadConfig } from '../source/model.js'
import { tensorValues } from '../source/safetensors.js'
import { DTYPES, LF, statusName, TEXT_CHUNK, TILE, TOKENIZER_LOWERCASE } from './abi.js'
import { tilesOfSlice } from './cost.js'
import { NAME_BYTES, PAGE, STAGING_HEADER, align, choosePlan, createPlanner, engineTensors } from './memory.js'
import { THREAD_STACK, Threads } from './threads.js'

/**
 * @typedef {import('../source/model.js').Model} Model
 * @typedef {import('./memory.js').Plan} Plan
 * @typedef {{ __heap_base: WebAssembly.Global, __stack_pointer: WebAssembly.Global }} Globals
 * @typedef {Globals & { [name: string]: (...args: (number | bigint)[]) => number }} Exports the functions of linformer.h; those that
 *   return bytes give a bigint, which Number() takes as well
 * @typedef {object} Rows what a run has left of its document; `x` is valid until the next run
 * @property {Float32Array} x the residual stream, [n, stride]
 * @property {number} stride
 * @property {number} n
 * @property {Int32Array} ids [n]
 * @property {ArrayLike<number>} gain of the last LayerNorm, [d_model]
 * @property {ArrayLike<number>} offset of the last LayerNorm, [d_model]
 * @property {{ token: ArrayLike<number>, weight: ArrayLike<number> } | undefined} importance [vocab_size] and [d_model], where the trunk has it
 *
 * @typedef {{ precision: 'float32' | 'int8', threads: number }} Arithmetic what the engine multiplies in, and on how many threads
 */

/** Milliseconds that a slice of work should take before the event loop has its turn. */
const SLICE_MS = 8

/**
 * @param {WebAssembly.Module} module
 * @param {number} pages
 * @param {boolean} shared whether the module was compiled for a memory that threads share
 * @returns {{ exports: Exports, memory: WebAssembly.Memory }}
 */
function instantiate(module, pages, shared) {
  /** @type {WebAssembly.Memory} */
  let memory
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared })
  } catch (error) {
    throw new LinformerError('OUT_OF_MEMORY', `this host has no ${pages * PAGE} bytes for the model; set a memoryBudget`, { bytes: pages * PAGE }, { cause: error })
  }
  const instance = new WebAssembly.Instance(module, { env: { memory } })
  return { exports: /** @type {Exports} */ (/** @type {unknown} */ (instance.exports)), memory }
}

/**
 * A function that plans memory for this model, by a small instance of the module.
 *
 * @param {WebAssembly.Module} module
 * @param {Model} model
 * @param {Arithmetic} arithmetic
 * @returns {(capacity: number) => Plan}
 */
export function plannerFor(module, model, { precision, threads }) {
  const { exports, memory } = instantiate(module, 3, threads > 1)
  const config = align(Number(exports.__heap_base.value))
  const values = packConfig(model, precision)
  new Int32Array(memory.buffer, config, values.length).set(values)
  const headConfig = config + align(values.byteLength)
  const headValues = packHeadConfig(model)
  new Int32Array(memory.buffer, headConfig, headValues.length).set(headValues)
  return createPlanner(exports, config, headConfig, model, threads)
}

export const notFinite = () => new LinformerError('NOT_FINITE', 'the model gives a logit that is not a finite number: its weights are too large', {})

export class Engine {
  #module
  #exports
  #memory
  #plan
  #arithmetic
  #run = 0
  #tokenizer = 0
  #classes = 0
  #config
  /** @type {Pick<Rows, 'gain' | 'offset' | 'importance'>} */
  #last = { gain: [], offset: [], importance: undefined }
  /** Tiles that take about SLICE_MS, from the speed so far. */
  #tiles = 1
  /** @type {unknown} what made the instance unusable */
  #trap = undefined
  #threads = new Threads((reason) => { this.#trap ??= new Error(`a thread ${reason}`) })

  /**
   * Makes the memory and an empty model in it; `loadWeights` fills it.
   *
   * @param {WebAssembly.Module} module
   * @param {Model} model
   * @param {Arithmetic} arithmetic
   * @param {{ memoryBudget?: number, maxTokens?: number, maxOperations?: number }} options
   */
  constructor(module, model, arithmetic, options) {
    this.#plan = choosePlan(plannerFor(module, model, arithmetic), model.config.n_max, options)
    const { exports, memory } = instantiate(module, this.#plan.pages, arithmetic.threads > 1)
    this.#module = module
    this.#exports = exports
    this.#memory = memory
    this.#arithmetic = arithmetic
    this.#classes = model.config.n_classes ?? 1
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
    return this.#memory.buffer
  }

  /** @param {string} name @param {...(number | bigint)} args */
  #call(name, ...args) {
    if (this.#trap !== undefined) {
      throw new LinformerError('ENGINE', `the engine stopped in an earlier call (${this.#trap}); load the model again`, {}, { cause: this.#trap })
    }
    try {
      return this.#exports[name](...args)
    } catch (error) {
      this.#trap = error
      throw new LinformerError('ENGINE', `the engine stopped in ${name}: ${error}`, {}, { cause: error })
    }
  }

  /** @param {string} name @param {...(number | bigint)} args @returns {number} */
  #check(name, ...args) {
    const status = this.#call(name, ...args)
    if (status < 0) throw new LinformerError('ENGINE', `${name} says ${statusName(status)}`, { status })
    return status
  }

  /** @param {number} at @param {Uint8Array} data */
  #write(at, data) {
    new Uint8Array(this.#memory.buffer, at, data.length).set(data)
  }

  /**
   * Hands the engine the tokenizer and every tensor, one at a time through the staging area.
   *
   * @param {Model} model
   * @param {() => Promise<void>} pause called between slices of work
   * @param {(done: number, total: number) => void} progress in bytes
   */
  async loadWeights(model, pause, progress) {
    const { at, report } = this.#plan
    const staging = at.workspace
    const { vocab, offsets, merges, lowercase } = model.tokenizer
    const tables = [vocab, offsets, merges]
    let next = staging
    const addresses = tables.map(({ data }) => {
      const address = next
      this.#write(address, data)
      next += align(data.length)
      return address
    })
    const sizes = [offsets.shape[0] - 1, merges.shape[0], vocab.shape[0]]
    let status = this.#call('lf_tokenizer_init', at.tokenizer, BigInt(report.tokenizer), ...addresses, ...sizes, lowercase ? TOKENIZER_LOWERCASE : 0)
    while (status === LF.MORE) {
      await pause()
      status = this.#call('lf_tokenizer_index', at.tokenizer)
    }
    if (status === LF.ERROR_TOKENIZER) {
      throw new LinformerError('MODEL_TENSOR', 'the tokenizer\'s tables contradict themselves: offsets have to ascend, every single byte has to be a token once, and every merge has to make a token', { status })
    }
    if (status < 0) throw new LinformerError('ENGINE', `lf_tokenizer_init says ${statusName(status)}`, { status })
    this.#tokenizer = at.tokenizer

    const config = packConfig(model, this.#arithmetic.precision)
    new Int32Array(this.#memory.buffer, staging, config.length).set(config)
    this.#check('lf_model_init', at.weights, BigInt(report.weights), staging)
    const headConfig = packHeadConfig(model)
    new Int32Array(this.#memory.buffer, staging, headConfig.length).set(headConfig)
    this.#check('lf_head_init', at.head, BigInt(report.weights - (at.head - at.weights)), staging)

    const weights = engineTensors(model)
    const last = (/** @type {string} */ name) => tensorValues(model.weights, name)
    this.#last = {
      gain: last('norm.weight'),
      offset: last('norm.bias'),
      importance: model.config.importance ? { token: last('pool.token'), weight: last('pool.weight') } : undefined
    }
    // Scales first: an I8 tensor is packed with them.
    const names = [...weights.keys()]
    const ordered = [...names.filter((name) => name.endsWith('.scale')), ...names.filter((name) => !name.endsWith('.scale'))]
    const total = ordered.reduce((sum, name) => sum + (weights.get(name)?.data.length ?? 0), 0)
    let done = 0
    for (const name of ordered) {
      const { dtype, shape, data } = /** @type {import('../source/model.js').Tensor} */ (weights.get(name))
      const nameAt = staging
      const shapeAt = staging + NAME_BYTES
      const dataAt = staging + STAGING_HEADER
      this.#write(nameAt, new TextEncoder().encode(`${name}\0`))
      new Int32Array(this.#memory.buffer, shapeAt, shape.length).set(shape)
      this.#write(dataAt, data)
      const [set, object] = isOfHead(name) ? ['lf_head_set_tensor', at.head] : ['lf_set_tensor', at.weights]
      const status = this.#call(set, object, nameAt, DTYPES.indexOf(dtype), shapeAt, shape.length, dataAt, BigInt(data.length))
      if (status === LF.ERROR_VALUE) {
        throw new LinformerError('MODEL_TENSOR', `tensor ${name} has a value that is not a finite number`, { tensor: name })
      }
      if (status < 0) throw new LinformerError('ENGINE', `${set} says ${statusName(status)} to ${name}`, { status, tensor: name })
      done += data.length
      progress(done, total)
      await pause()
    }
    this.#check('lf_model_ready', at.weights)
    this.#check('lf_head_ready', at.head)
    this.#check('lf_run_init', at.workspace, BigInt(report.workspace), at.weights, report.capacity, this.#arithmetic.threads)
    this.#run = at.workspace
  }

  /**
   * Starts the other threads, after loadWeights. Without them, everything works on one.
   *
   * @param {import('./threads.js').StartThread} start
   * @returns {Promise<number>} threads that work on a document, with the caller's
   */
  async startThreads(start) {
    const jobs = Array.from({ length: this.#arithmetic.threads - 1 }, (_, i) => ({
      module: this.#module, memory: this.#memory, run: this.#run, thread: i + 1, stack: this.#plan.at.stacks + (i + 1) * THREAD_STACK
    }))
    return 1 + await this.#threads.start(start, jobs)
  }

  /** Ends the threads. The engine cannot be used any more. */
  dispose() {
    if (this.#run !== 0 && this.#trap === undefined) this.#call('lf_run_stop', this.#run)
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
    this.#call('lf_tokenizer_begin', this.#tokenizer)
    const textAt = this.#call('lf_tokenizer_text', this.#tokenizer)
    let at = 0
    do {
      // A pair of surrogates must not be torn: alone, each would count as U+FFFD.
      let end = Math.min(text.length, at + TEXT_CHUNK)
      const last = text.charCodeAt(end - 1)
      if (end < text.length && last >= 0xd800 && last < 0xdc00) end--
      // By way of an array of its own, since encoders write into no memory that is shared.
      const { read, written } = encoder.encodeInto(text.slice(at, end), chunk)
      this.#write(textAt, chunk.subarray(0, written))
      at += read
      // A vocabulary that is slow to search takes less than a chunk at once.
      for (let left = written, first = true; left > 0 || first; first = false) {
        const count = this.#call('lf_tokenizer_feed', this.#tokenizer, left, at === text.length ? 1 : 0)
        if (count === LF.ERROR_TOKENIZER) {
          throw new LinformerError('MODEL_TENSOR', `the tokenizer's vocabulary is made so that a long word, near UTF-16 unit ${at}, takes absurdly long to encode`, { status: count })
        }
        if (count < 0) throw new LinformerError('ENGINE', `the tokenizer says ${statusName(count)}`, { status: count })
        if (count > 0) take(new Uint32Array(this.#memory.buffer, this.#call('lf_tokenizer_tokens', this.#tokenizer), 3 * count))
        left = this.#call('lf_tokenizer_left', this.#tokenizer)
        await pause(at)
      }
    } while (at < text.length)
  }

  /**
   * Runs the model over up to `capacity` tokens.
   *
   * @param {Int32Array} ids
   * @param {() => Promise<void>} pause called after each slice, and while a thread has not let go of the document before;
   *   in it, the host may say that the thread is gone
   * @param {(done: number, total: number) => void} progress in tiles
   * @param {boolean} [explain] whether contributions are wanted
   * @returns {Promise<{ logits: Float32Array, contributions: Float32Array }>} logits [n_classes], contributions [n, n_classes] or
   *   empty
   */
  async encode(ids, pause, progress, explain = false) {
    let idsAt = this.#call('lf_run_ids', this.#run)
    while (idsAt === 0) {
      await pause()
      idsAt = this.#call('lf_run_ids', this.#run)
    }
    new Int32Array(this.#memory.buffer, idsAt, ids.length).set(ids)
    this.#check('lf_begin', this.#run, ids.length)
    const total = this.#call('lf_run_total', this.#run)
    for (let /** @type {number} */ status = LF.MORE; status === LF.MORE;) {
      const before = this.#call('lf_run_done', this.#run)
      const started = performance.now()
      status = this.#call('lf_step', this.#run, Math.min(this.#tiles, tilesOfSlice(this.#config, ids.length)))
      const done = this.#call('lf_run_done', this.#run)
      if (done > before) { // else the other threads have all the tiles there are
        const perTile = (performance.now() - started) / (done - before) * this.#arithmetic.threads
        this.#tiles = Math.max(1, Math.min(tilesOfSlice(this.#config, ids.length), 2 * this.#tiles, Math.floor(SLICE_MS / perTile)))
      }
      if (status === LF.ERROR_VALUE) throw notFinite()
      if (status < 0) throw new LinformerError('ENGINE', `lf_step says ${statusName(status)}`, { status })
      progress(done, total)
      await pause()
    }
    return this.#readByHead(ids.length, idsAt, pause, explain)
  }

  /**
   * The head reads what the run has left.
   *
   * @param {number} n tokens
   * @param {number} idsAt address of their ids
   * @param {() => Promise<void>} pause called after each slice
   * @param {boolean} explain whether contributions are wanted
   */
  async #readByHead(n, idsAt, pause, explain) {
    const { head } = this.#plan.at
    const tiles = Math.max(1, Math.floor(16384 / this.#classes))
    this.#check('lf_head_begin', head)
    this.#check('lf_head_read', head, this.#run)
    for (let /** @type {number} */ status = LF.MORE; status === LF.MORE;) {
      status = this.#call('lf_head_step', head, tiles)
      if (status === LF.ERROR_VALUE) throw notFinite()
      if (status < 0) throw new LinformerError('ENGINE', `lf_head_step says ${statusName(status)}`, { status })
      await pause()
    }
    const logits = new Float32Array(this.#memory.buffer, this.#call('lf_head_logits', head), this.#classes).slice()
    const contributions = new Float32Array(explain ? n * this.#classes : 0)
    for (let first = 0; first < n && explain; first += TILE) {
      const count = Math.min(TILE, n - first)
      const terms = this.#call('lf_head_terms', head, first, count)
      this.#check('lf_head_contributions', head, idsAt + 4 * first, first, count)
      contributions.set(new Float32Array(this.#memory.buffer, terms, count * this.#classes), first * this.#classes)
      if (first % (TILE * tiles) === 0) await pause()
    }
    return { logits, contributions }
  }

  /**
   * The vector of the document that `encode` has just read, and what it weighs among those of other windows.
   *
   * @returns {{ vector: Float32Array, weight: number }} `vector` [d_model] is valid until the next run
   */
  pooled() {
    const { d_model: d } = this.#config
    const at = this.#call('lf_run_pooled', this.#run)
    return { vector: new Float32Array(this.#memory.buffer, at, d), weight: this.#call('lf_run_weight', this.#run) }
  }

  /**
   * What the run that `encode` has just ended left of its document.
   *
   * @param {Int32Array} ids
   * @returns {Rows}
   */
  rows(ids) {
    const stride = this.#call('lf_run_stride', this.#run)
    const x = new Float32Array(this.#memory.buffer, this.#call('lf_run_x', this.#run), ids.length * stride)
    return { x, stride, n: ids.length, ids, ...this.#last }
  }
}
