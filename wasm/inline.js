/**
 * linformer-wasm/inline: the same, with the modules inside the JavaScript, for bundlers that lose files beside it.
 */
import { createApi } from './classify/load.js'
import { modules } from './dist/inline.js'
import { shipped } from './hosts/shipped.js'

export { lowTypicality } from './classify/typicality.js'
export { LinformerError } from './common/errors.js'
export { shippedModels } from './hosts/shipped.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
export const { load, inspect } = createApi({ modules, shipped })
