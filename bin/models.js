/**
 * Which model is meant by --model.
 */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The model that is taken when none is named. */
export const DEFAULT_MODEL = 'imdb'

/**
 * @param {string} name a file, or the name of a model that comes with the package
 * @returns {string} path
 */
export function modelPath(name) {
  if (/^[\w-]+$/.test(name) && !existsSync(name)) {
    const shipped = fileURLToPath(new URL(`../models/${name}.safetensors`, import.meta.url))
    if (existsSync(shipped)) return shipped
  }
  return name
}

/**
 * What is wrong with a model; if there is no such file, also which ones there are.
 *
 * @param {import('linformer-wasm').LinformerError} error
 */
export function modelMessage({ message, details }) {
  if (details.errno !== 'ENOENT') return message
  const files = readdirSync(fileURLToPath(new URL('../models/', import.meta.url)))
  const names = files.filter((file) => file.endsWith('.safetensors')).map((file) => file.slice(0, -'.safetensors'.length))
  return `${message}; the models that come with the package are ${names.sort().join(', ')}`
}
