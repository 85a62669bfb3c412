/**
 * linformer-wasm for Node.js: the same, and strings that are no URL are paths of files.
 */
import { openCache, readPlace } from './files-node.js'
import { createApi } from './load.js'
import { modules } from './modules.js'
import { startThread } from './start-thread-node.js'

export { LinformerError } from './errors.js'
export { tensorShapes } from './model.js'
export { version } from './version.js'
export const { load, inspect } = createApi({ modules, startThread, readPlace, openCache })
