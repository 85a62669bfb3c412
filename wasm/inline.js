/**
 * linformer-wasm/inline: the same, with the modules inside the JavaScript, for bundlers that lose files beside it.
 */
import { createApi } from './classify/load.js'
import { modules } from './dist/inline.js'

export { LinformerError } from './common/errors.js'
export { tensorShapes } from './source/model.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { version } from './common/version.js'
export const { load, inspect } = createApi({ modules })
