/**
 * The WebAssembly modules out of their base64. Not by fetch of a `data:` URL: the page's policy would have to allow it.
 */
import { relaxed, simd128 } from './dist/inline.js'

const decode = (/** @type {string} */ base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))

/** @type {Record<import('./backend.js').Backend, () => Uint8Array>} */
export const inlineModules = { simd128: () => decode(simd128), relaxed: () => decode(relaxed) }
