/**
 * From a source to a classifier.
 */
import { chooseBackend } from './backend.js'
import { Classifier } from './classifier.js'
import { Engine, plannerFor } from './engine.js'
import { LinformerError, show, throwIfAborted } from './errors.js'
import { checkCallbacks } from './inputs.js'
import { choosePlan } from './memory.js'
import { parseModel } from './model.js'
import { createPause } from './pause.js'
import { checkIntegrity, fetchBytes, readSource } from './source.js'

/**
 * @typedef {import('./backend.js').Backend} Backend
 * @typedef {import('./index.js').LoadOptions} LoadOptions
 * @typedef {import('./index.js').Inspection} Inspection
 * @typedef {(place: string | URL, options: any) => Promise<Uint8Array>} ReadPlace
 */

const WASM_MAGIC = [0, 0x61, 0x73, 0x6d]

/** The modules beside this file. Each URL is written out, so that bundlers see it. */
const modules = {
  simd128: () => new URL('./dist/linformer-simd128.wasm', import.meta.url),
  relaxed: () => new URL('./dist/linformer-relaxed.wasm', import.meta.url)
}

/** @param {any} options @returns {LoadOptions} */
function checkOptions(options) {
  if (typeof options !== 'object' || options === null) throw new LinformerError('BAD_ARGUMENT', 'options is not an object')
  for (const key of ['memoryBudget', 'maxTokens', 'threads']) {
    const value = options[key]
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) {
      throw new LinformerError('BAD_ARGUMENT', `${key} is ${show(value)}; it has to be a whole number from 1`, { [key]: value })
    }
  }
  checkCallbacks(options)
  return options
}

/**
 * @param {LoadOptions} options
 * @param {ReadPlace} readPlace
 * @returns {Promise<{ module: WebAssembly.Module, backend: Backend }>}
 */
async function compile(options, readPlace) {
  const backend = chooseBackend(options.backend)
  const { wasm = modules[backend]() } = options
  if (wasm instanceof WebAssembly.Module) return { module: wasm, backend }
  const { bytes, name } = await readSource(wasm, { signal: options.signal }, readPlace)
  if (!WASM_MAGIC.every((byte, i) => bytes[i] === byte)) {
    throw new LinformerError('ENGINE', `${name} is not a WebAssembly module; is the server or bundler missing the file?`, { source: name })
  }
  try {
    return { module: await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (bytes)), backend }
  } catch (error) {
    throw new LinformerError('ENGINE', `${name} could not be compiled: ${error}`, { source: name }, { cause: error })
  }
}

/**
 * Makes `load` and `inspect` for a host.
 *
 * @param {ReadPlace} [readPlace] reads a URL or path; `fetch` by default
 */
export function createApi(readPlace = fetchBytes) {
  /** @param {any} source @param {any} options */
  const readModel = async (source, options) => {
    const { bytes, name } = await readSource(source, options, readPlace)
    await checkIntegrity(bytes, options.integrity, name)
    throwIfAborted(options.signal)
    return parseModel(bytes, name)
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
    const { module, backend } = await compile(checked, readPlace)
    throwIfAborted(signal)
    const engine = new Engine(module, model, checked)
    const pause = createPause(() => throwIfAborted(signal))
    await engine.loadWeights(model, pause, (done, total) => onProgress?.({ phase: 'weights', done, total }))
    throwIfAborted(signal)
    return new Classifier(engine, model, backend)
  }

  /**
   * @param {any} source
   * @param {any} [options]
   * @returns {Promise<Inspection>}
   */
  async function inspect(source, options = {}) {
    const checked = checkOptions(options)
    const model = await readModel(source, checked)
    const { module } = await compile(checked, readPlace)
    const planFor = plannerFor(module, model)
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
      chosen: choosePlan(planFor, nMax, checked).report
    }
  }

  return { load, inspect }
}
