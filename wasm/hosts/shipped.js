/**
 * The models that come with the library, by name.
 */

import { LinformerError, show } from '../common/errors.js'

/** Names of the files in models/. */
export const shippedModels = Object.freeze(['contracts', 'digits', 'general', 'sentiment', 'subjects'])

/** Names that models had before, and have now. */
const RENAMED = new Map([['imdb', 'sentiment']])

/** The file that a name means. @param {unknown} source @returns {string | undefined} */
function fileOf(source) {
  if (typeof source !== 'string') return undefined
  const name = RENAMED.get(source) ?? source
  return shippedModels.includes(name) ? `${name}.safetensors` : undefined
}

/** @param {unknown} source @returns {source is string} */
export const isShipped = (source) => fileOf(source) !== undefined

/**
 * Where a shipped model is: beside the library, as in its package. Not written as `new URL('...', import.meta.url)`: bundlers would
 * carry every model along.
 *
 * @param {unknown} source
 * @returns {URL | undefined} undefined if it is not such a name, or if a bundler has left the library no place
 */
export function shipped(source) {
  const here = import.meta.url
  const file = fileOf(source)
  if (file === undefined) return undefined
  try {
    return new URL(`../../models/${file}`, here)
  } catch {
    return undefined
  }
}

/**
 * What to do about a shipped model that is not beside the library.
 *
 * @param {unknown} error
 * @param {unknown} source that was given
 */
export function withAdvice(error, source) {
  const missing = error instanceof LinformerError && ['SOURCE_FAILED', 'MODEL_FORMAT', 'MODEL_TRUNCATED'].includes(error.code)
  const file = fileOf(source)
  if (!missing || file === undefined) return error
  const advice = `${show(source)} names a model that is looked for beside the library's code, and bundlers leave it behind: ` +
    `serve node_modules/linformer-wasm/models/${file} and load its URL`
  return new LinformerError(error.code, `${error.message}; ${advice}`, error.details, { cause: error })
}
