/**
 * linformer-wasm for Cloudflare Workers, which compile modules when they are uploaded and never later.
 */
import relaxed from './dist/linformer-relaxed.wasm'
import simd128 from './dist/linformer-simd128.wasm'
import { createApi } from './load.js'

export { LinformerError } from './errors.js'
export { tensorShapes } from './model.js'
export { version } from './version.js'
export const { load, inspect } = createApi({ modules: { simd128: () => simd128, relaxed: () => relaxed } })
