/**
 * The WebAssembly modules, as files beside this one. Each URL is written out, so that bundlers see it.
 *
 * @type {Record<import('../engine/backend.js').Backend, () => URL>}
 */
export const modules = {
  simd128: () => new URL('../dist/linformer-simd128.wasm', import.meta.url),
  relaxed: () => new URL('../dist/linformer-relaxed.wasm', import.meta.url)
}
