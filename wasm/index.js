/**
 * linformer-wasm for browsers, workers and every host with `fetch`. Documented in index.d.ts.
 */
import { createApi } from './load.js'
import { modules } from './modules.js'
import { startThread } from './start-thread.js'

export { LinformerError } from './errors.js'
export { tensorShapes } from './model.js'
export { version } from './version.js'
export const { load, inspect } = createApi({ modules, startThread })
