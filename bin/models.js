/**
 * Which model is meant by --model.
 */
import { statSync } from 'node:fs'
import { inspect, LinformerError, load, shippedModels } from 'linformer-wasm'

/** The model that is taken when none is named. */
export const DEFAULT_MODEL = 'sentiment'

/**
 * A file goes before a shipped model of the same name.
 *
 * @param {string} name a file, or the name of a model that comes with the package
 * @returns {string} for `load`
 */
export const modelPath = (name) => (/^[\w-]+$/.test(name) && statSync(name, { throwIfNoEntry: false })?.isFile() ? `./${name}` : name)

/**
 * What went wrong; if there is no such model, also which ones there are.
 *
 * @param {Error} error
 */
export function modelMessage(error) {
  const { message } = error
  if (!(error instanceof LinformerError) || error.details.errno !== 'ENOENT') return message
  return `${message}; the models that come with the package are ${shippedModels.join(', ')}`
}

/**
 * A model, or the model that a head file belongs to with that head.
 *
 * @param {string} name
 * @param {import('linformer-wasm').LoadOptions} options
 * @param {string} [trunk] of a head; default: the one that it names, beside it or shipped
 * @returns {Promise<import('linformer-wasm').Classifier>}
 */
export async function openModel(name, options, trunk) {
  const path = modelPath(name)
  if (trunk === undefined) return load(path, options)
  const { kind, headRoom } = await inspect(path)
  if (kind !== 'head') return load(path, options)
  const classifier = await load(modelPath(trunk), { ...options, headRoom })
  return classifier.attach(path)
}
