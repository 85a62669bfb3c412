/**
 * linformer-wasm/inline for Node.js: paths and the cache folder as in node.js, the modules inside the JavaScript.
 */
import { createApi } from './classify/load.js'
import { modules } from './dist/inline.js'
import { hub } from './hosts/hub-node.js'
import { shipped } from './hosts/shipped.js'
import { openCache, readAddress } from './source/files-node.js'

export { lowTypicality } from './classify/typicality.js'
export { LinformerError } from './common/errors.js'
export { shippedModels } from './hosts/shipped.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
export const { load, inspect } = createApi({ modules, readAddress, openCache, shipped, hub })
