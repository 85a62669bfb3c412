/**
 * Which model is meant by --model.
 */
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { inspect, LinformerError, load, shippedModels } from 'linformer-wasm'
import { load as loadInWorker } from 'linformer-wasm/worker'
import { wordsOf } from './documents.js'

/** The model that is taken when none is named. */
export const DEFAULT_MODEL = 'sentiment'

/**
 * A file goes before a shipped model of the same name.
 *
 * @param {string} name a file, or the name of a model that comes with the package
 * @returns {string} for `load`
 */
export const modelPath = (name) => (/^[\w-]+$/.test(name) && statSync(name, { throwIfNoEntry: false })?.isFile() ? `./${name}` : name)

/** Megabytes for what is new in a worker. V8 would take ten times as much for each before it looks what of many documents is left. */
const YOUNG = 2

/** @returns a worker for `load` */
const startWorker = () => new Worker(fileURLToPath(import.meta.resolve('linformer-wasm/worker-host')), {
  execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG }
})

/** Whether the model comes by HTTP, once for each classifier. @param {string} name */
export const isRemote = (name) => /^(https?|hf):/i.test(name)

/**
 * What went wrong; if there is no such model, also which ones there are.
 *
 * @param {Error} error
 */
export function modelMessage(error) {
  if (!(error instanceof LinformerError)) return error.message
  const { source, errno } = error.details
  const words = wordsOf(errno)
  const message = words === undefined ? error.message : `${source} could not be read: ${words}`
  return errno === 'ENOENT' ? `${message}; the models that come with the package are ${shippedModels.join(', ')}` : message
}

/**
 * A model, or the model that a head file belongs to with that head.
 *
 * @param {string} name
 * @param {import('linformer-wasm').LoadOptions} options
 * @param {object} [where]
 * @param {string} [where.trunk] of a head; default: the one that it names, beside it or shipped
 * @param {boolean} [where.inWorker] in a worker of its own
 * @returns {Promise<import('linformer-wasm').Classifier>}
 */
export async function openModel(name, options, { trunk, inWorker = false } = {}) {
  const path = modelPath(name)
  /** @type {typeof load} */
  const begin = (source, given) => inWorker ? loadInWorker(source, { ...given, worker: startWorker() }) : load(source, given)
  const { kind, headRoom } = trunk === undefined ? { kind: undefined } : await inspect(path)
  if (trunk !== undefined) {
    if (kind !== 'head') throw new LinformerError('BAD_ARGUMENT', `--trunk is ${JSON.stringify(trunk)}, but ${name} is a complete model, with a trunk of its own`)
    const classifier = await begin(modelPath(trunk), { ...options, headRoom })
    return classifier.attach(path)
  }
  const classifier = await begin(path, options)
  if (classifier.labels.length > 0) return classifier
  classifier.dispose()
  throw new LinformerError('BAD_ARGUMENT', `${name} is a trunk, without labels of its own: choose another model, or teach it yours with 'linformer teach'`)
}
