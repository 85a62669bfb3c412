/**
 * The models that come with the library, by name.
 */

/** Names of the files in models/. */
export const shippedModels = Object.freeze(['general', 'imdb', 'scotus'])

/** @param {unknown} source @returns {source is string} */
export const isShipped = (source) => typeof source === 'string' && shippedModels.includes(source)

/**
 * Where a shipped model is: beside the library, as in its package. Not written as `new URL('...', import.meta.url)`: bundlers would
 * carry every model along.
 *
 * @param {unknown} source
 * @returns {URL | undefined} undefined if it is not such a name
 */
export function shipped(source) {
  const here = import.meta.url
  return isShipped(source) ? new URL(`../../models/${source}.safetensors`, here) : undefined
}
