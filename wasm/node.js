/**
 * linformer-wasm for Node.js: the same, and strings that are no URL are paths of files.
 */
import { createApi } from './classify/load.js'
import { hub } from './hosts/hub-node.js'
import { modules } from './hosts/modules.js'
import { shipped } from './hosts/shipped.js'
import { startThread } from './hosts/start-thread-node.js'
import { openCache, readAddress } from './source/files-node.js'

export { lowTypicality } from './classify/typicality.js'
export { LinformerError } from './common/errors.js'
export { shippedModels } from './hosts/shipped.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
export const { load, inspect } = createApi({ modules, startThread, readAddress, openCache, shipped, hub })
