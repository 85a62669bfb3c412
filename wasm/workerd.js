/**
 * linformer-wasm for Cloudflare Workers, which compile modules when they are uploaded and never later.
 */
import { createApi } from './classify/load.js'
import relaxed from './dist/linformer-relaxed.wasm'
import simd128 from './dist/linformer-simd128.wasm'

export { lowTypicality } from './classify/typicality.js'
export { LinformerError } from './common/errors.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
/** There is no folder beside a bundle. @type {readonly string[]} */
export const shippedModels = Object.freeze([])
export const { load, inspect } = createApi({ modules: { simd128: () => simd128, relaxed: () => relaxed } })
