/**
 * Which model is meant by --model.
 */
import { existsSync } from 'node:fs'
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
