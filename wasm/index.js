/**
 * linformer-wasm for browsers, workers and every host with `fetch`. Documented in index.d.ts.
 */
import { createApi } from './classify/load.js'
import { modules } from './hosts/modules.js'
import { shipped } from './hosts/shipped.js'
import { startThread } from './hosts/start-thread.js'

export { lowTypicality } from './classify/typicality.js'
export { LinformerError } from './common/errors.js'
export { shippedModels } from './hosts/shipped.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
export const { load, inspect } = createApi({ modules, startThread, shipped })
