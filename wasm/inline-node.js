/**
 * linformer-wasm/inline for Node.js: paths and the cache folder as in node.js, the modules inside the JavaScript.
 */
import { openCache } from './cache-node.js'
import { modules } from './dist/inline.js'
import { createApi } from './load.js'
import { readPlace } from './source-node.js'

export { LinformerError } from './errors.js'
export { tensorShapes } from './model.js'
export { version } from './version.js'
export const { load, inspect } = createApi({ modules, readPlace, openCache })
