/**
 * From a source to a classifier.
 */
import { abortable, LinformerError, nameOf, namingMemory, show, throwIfAborted } from '../common/errors.js'
import { isA } from '../common/kinds.js'
import { createPause } from '../common/pause.js'
import { MAX_THREADS, PRECISIONS } from '../engine/abi.js'
import { chooseBackend } from '../engine/backend.js'
import { Engine, plannerFor } from '../engine/instance.js'
import { choosePlan } from '../engine/memory.js'
import { canShareMemory, withSharedMemory } from '../engine/threads.js'
import { cached, cacheKey, openCache as openWebCache } from '../source/cache.js'
import { fetchBytes, readSource } from '../source/fetch.js'
import { checkIntegrity, checkIntegrityOption } from '../source/integrity.js'
import { parseModel } from '../source/model.js'
import { Classifier } from './classifier.js'
import { checkCallbacks } from './inputs.js'

/**
 * @typedef {import('../engine/backend.js').Backend} Backend
 * @typedef {import('../index.js').LoadOptions} LoadOptions
 * @typedef {import('../index.js').Inspection} Inspection
 *
 * @typedef {object} Host what differs between hosts
 * @property {Record<Backend, () => LoadOptions['wasm']>} modules where the modules are, unless the caller says
 * @property {(place: string | URL, options: any) => Promise<Uint8Array>} [readPlace] reads a URL or path; `fetch` by default
 * @property {(name: string | undefined) => Promise<import('../source/cache.js').Store>} [openCache] the Cache API by default
 * @property {import('../engine/threads.js').StartThread} [startThread] starts a worker; without it there is one thread
 */

const WASM_MAGIC = [0, 0x61, 0x73, 0x6d]

/** @param {any} options @returns {LoadOptions} */
function checkOptions(options) {
  if (typeof options !== 'object' || options === null) throw new LinformerError('BAD_ARGUMENT', 'options is not an object')
  for (const key of ['memoryBudget', 'maxTokens', 'maxModelBytes', 'maxOperations', 'threads']) {
    const value = options[key]
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) {
      throw new LinformerError('BAD_ARGUMENT', `${key} is ${show(value)}; it has to be a whole number from 1`, { [key]: value })
    }
  }
  const { deterministic, backend } = options
  if (deterministic !== undefined && typeof deterministic !== 'boolean') {
    throw new LinformerError('BAD_ARGUMENT', `deterministic is ${show(deterministic)}; it has to be true or false`)
  }
  if (deterministic && backend !== undefined && backend !== 'simd128') {
    throw new LinformerError('BAD_ARGUMENT', `deterministic needs the backend 'simd128', not ${show(backend)}`)
  }
  const { precision } = options
  if (precision !== undefined && !PRECISIONS.includes(precision)) {
    throw new LinformerError('BAD_ARGUMENT', `precision is ${show(precision)}; it can be ${PRECISIONS.map((name) => `'${name}'`).join(' or ')}`, { precision })
  }
  checkCallbacks(options)
  checkIntegrityOption(options.integrity)
  if (options.cache !== undefined && typeof options.cache !== 'boolean' && (typeof options.cache !== 'string' || options.cache === '')) {
    throw new LinformerError('BAD_ARGUMENT', `cache is ${show(options.cache)}; it can be true, false or a name`)
  }
  return options
}

/**
 * What the model file has its linear maps in, the engine multiplies in.
 *
 * @param {LoadOptions} options
 * @param {import('../source/model.js').Model} model
 * @param {import('../engine/threads.js').StartThread | undefined} startThread
 * @returns {import('../engine/instance.js').Arithmetic}
 */
function chooseArithmetic({ precision, threads = 1, wasm }, { weights }, startThread) {
  const stored = weights.get('layers.0.ffn.in.weight')?.dtype === 'I8' ? 'int8' : 'float32'
  // A module that is compiled already is for a memory of one thread.
  const one = startThread === undefined || isA(wasm, 'WebAssembly.Module') || !canShareMemory()
  return { precision: precision ?? stored, threads: one ? 1 : Math.min(threads, MAX_THREADS) }
}

/** The module's bytes; what went wrong with them is no fault of the model's. @param {any} wasm @param {any} options @param {any} readPlace */
async function readModule(wasm, options, readPlace) {
  try {
    return await readSource(wasm, options, readPlace)
  } catch (error) {
    if (!(error instanceof LinformerError) || !['BUDGET_TOO_SMALL', 'MODEL_FORMAT', 'MODEL_TRUNCATED', 'SOURCE_FAILED'].includes(error.code)) throw error
    const message = `the WebAssembly module is missing: ${error.message}; does the server or bundler have it?`
    throw new LinformerError('ENGINE', message, error.details, { cause: error })
  }
}

/**
 * Makes `load` and `inspect` for a host.
 *
 * @param {Host} host
 */
export function createApi({ modules, readPlace = fetchBytes, openCache = openWebCache, startThread }) {
  /**
   * @param {LoadOptions} options
   * @param {import('../engine/instance.js').Arithmetic} arithmetic
   * @returns {Promise<{ module: WebAssembly.Module, backend: Backend }>}
   */
  async function compile(options, { precision, threads }) {
    const { signal } = options
    const backend = chooseBackend(options.deterministic ? 'simd128' : options.backend, precision)
    const wasm = options.wasm ?? modules[backend]()
    if (isA(wasm, 'WebAssembly.Module')) return { module: wasm, backend }
    const { bytes, name } = await readModule(wasm, { signal }, readPlace)
    if (!WASM_MAGIC.every((byte, i) => bytes[i] === byte)) {
      throw new LinformerError('ENGINE', `${name} is not a WebAssembly module; is the server or bundler missing the file?`, { source: name })
    }
    const code = threads > 1 ? withSharedMemory(bytes) : bytes
    const compiled = WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (code)).catch((error) => {
      throw new LinformerError('ENGINE', `${name} could not be compiled: ${error}`, { source: name }, { cause: error })
    })
    return { module: await abortable(signal, () => compiled), backend }
  }

  /**
   * @param {any} source
   * @param {LoadOptions} options
   */
  async function readModel(source, options) {
    const { cache, integrity, signal, onProgress } = options
    const url = cache ? cacheKey(source) : undefined
    const copy = url === undefined ? undefined : await cached(url, openCache, typeof cache === 'string' ? cache : undefined, options)
    const kept = await copy?.get()
    if (kept !== undefined) {
      try {
        const model = parseModel(kept, nameOf(url))
        onProgress?.({ phase: 'download', done: kept.length, total: kept.length })
        return model
      } catch (error) {
        // Kept by another version of this library.
        if (!(error instanceof LinformerError)) throw error
      }
    }
    const { bytes, name } = await readSource(source, options, readPlace)
    if (integrity !== undefined) await checkIntegrity(bytes, integrity, name, signal)
    throwIfAborted(signal)
    const model = parseModel(bytes, name)
    // Only what is a model is kept.
    await copy?.put(bytes)
    return model
  }

  /**
   * @param {any} source
   * @param {any} [options]
   * @returns {Promise<any>} see index.d.ts
   */
  async function load(source, options = {}) {
    const checked = checkOptions(options)
    const { signal, onProgress } = checked
    const model = await readModel(source, checked)
    const arithmetic = chooseArithmetic(checked, model, startThread)
    const { module, backend } = await compile(checked, arithmetic)
    throwIfAborted(signal)
    const engine = new Engine(module, model, arithmetic, checked)
    const pause = createPause(() => throwIfAborted(signal))
    await engine.loadWeights(model, pause, (done, total) => onProgress?.({ phase: 'weights', done, total }))
    try {
      const threads = startThread ? await abortable(signal, () => engine.startThreads(startThread)) : 1
      throwIfAborted(signal)
      return new Classifier(engine, model, backend, { ...arithmetic, threads })
    } catch (error) {
      engine.dispose() // or its threads would wait for work for ever
      throw error
    }
  }

  /**
   * @param {any} source
   * @param {any} [options]
   * @returns {Promise<Inspection>}
   */
  async function inspect(source, options = {}) {
    const checked = checkOptions(options)
    const model = await readModel(source, checked)
    const arithmetic = chooseArithmetic(checked, model, startThread)
    const { module } = await compile(checked, arithmetic)
    const planFor = plannerFor(module, model, arithmetic)
    const { n_max: nMax } = model.config
    const capacities = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072].filter((n) => n < nMax)
    return {
      config: model.config,
      labels: model.labels,
      metadata: model.metadata,
      fileBytes: model.fileBytes,
      parameters: [...model.weights].reduce((sum, [name, { shape }]) => {
        return name.endsWith('.scale') ? sum : sum + shape.reduce((a, b) => a * b, 1)
      }, 0),
      tensors: [...model.weights].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, bytes: data.length })),
      memory: [...capacities, nMax].map((capacity) => planFor(capacity).report),
      chosen: choosePlan(planFor, nMax, { ...checked, maxOperations: Infinity }).report
    }
  }

  return {
    load: (/** @type {any} */ source, /** @type {any} */ options) => namingMemory(() => load(source, options)),
    inspect: (/** @type {any} */ source, /** @type {any} */ options) => namingMemory(() => inspect(source, options))
  }
}
