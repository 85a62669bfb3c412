/**
 * linformer-wasm/inline: the same, with the modules inside the JavaScript, for bundlers that lose files beside it.
 */
import { modules } from './dist/inline.js'
import { createApi } from './load.js'

export { LinformerError } from './errors.js'
export { tensorShapes } from './model.js'
export { version } from './version.js'
export const { load, inspect } = createApi({ modules })
