/**
 * linformer-wasm/inline: the same, with the modules inside the JavaScript, for bundlers that lose files beside it.
 */
import { createApi } from './classify/load.js'
import { modules } from './dist/inline.js'

export { LinformerError } from './common/errors.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
/** There is no folder beside a bundle. @type {readonly string[]} */
export const shippedModels = Object.freeze([])
export const { load, inspect } = createApi({ modules })
