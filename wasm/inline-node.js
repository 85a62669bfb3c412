/**
 * linformer-wasm/inline for Node.js: paths and the cache folder as in node.js, the modules inside the JavaScript.
 */
import { openCache, readPlace } from './files-node.js'
import { modules } from './dist/inline.js'
import { createApi } from './load.js'

export { LinformerError } from './errors.js'
export { tensorShapes } from './model.js'
export { version } from './version.js'
export const { load, inspect } = createApi({ modules, readPlace, openCache })
