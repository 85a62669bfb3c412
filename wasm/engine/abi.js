/**
 * What src/linformer.h says in numbers, once for all of JavaScript. tests/js/abi.test.js holds this file to the header.
 */

/** LF_ALIGN: alignment of every block, in bytes. */
export const ALIGN = 64
/** LF_MAX_LAYERS: most layers a model can have. */
export const MAX_LAYERS = 32
/** LF_MAX_THREADS: most threads that can share a run. */
export const MAX_THREADS = 32
/** LF_TEXT_CHUNK: bytes of text that the tokenizer takes at once. */
export const TEXT_CHUNK = 4096
/** LF_TOKENIZER_LOWERCASE: a flag of lf_tokenizer_init. */
export const TOKENIZER_LOWERCASE = 1

/** lf_status. */
export const LF = /** @type {const} */ ({
  OK: 0,
  MORE: 1,
  ERROR_CONFIG: -1,
  ERROR_MEMORY: -2,
  ERROR_NAME: -3,
  ERROR_DTYPE: -4,
  ERROR_SHAPE: -5,
  ERROR_SIZE: -6,
  ERROR_SCALE: -7,
  ERROR_VALUE: -8,
  ERROR_MISSING: -9,
  ERROR_LENGTH: -10,
  ERROR_TOKEN: -11,
  ERROR_STATE: -12,
  ERROR_TOKENIZER: -13
})

/** @param {number} status an lf_status @returns {string} its name in linformer.h */
export function statusName(status) {
  const found = Object.entries(LF).find(([, value]) => value === status)
  return found === undefined ? `status ${status}` : `LF_${found[0]}`
}

/** Names of the enums, as model files have them; a name's index is its value. */
export const DTYPES = ['F32', 'F16', 'I8', 'I32']
export const ATTENTION = ['linformer', 'full']
export const SHARING = ['none', 'headwise', 'key-value', 'layerwise']
export const PROJECTION = ['linear', 'mean', 'max', 'conv']
export const POSITIONS = ['learned', 'sinusoidal', 'none']
export const POOLING = ['mean', 'weighted', 'window-max', 'directions']
export const PRECISIONS = ['float32', 'int8']

/** The largest value of each size in a config; the least is 1. */
export const LIMITS = {
  vocab_size: 2 ** 20, n_max: 2 ** 20, d_model: 4096, n_layers: MAX_LAYERS, n_heads: 64, d_ff: 16384, n_classes: 4096
}

/** Fields of lf_config, in its order; each is an int32, and k has MAX_LAYERS of them. */
export const CONFIG_FIELDS = /** @type {const} */ ([
  'vocab_size', 'n_max', 'd_model', 'n_layers', 'n_heads', 'd_ff', 'attention', 'sharing', 'projection', 'positions',
  'token_dtype', 'position_dtype', 'projection_dtype', 'precision', 'stem', 'importance', 'k'
])

/** Fields of lf_head_config, in its order. */
export const HEAD_CONFIG_FIELDS = /** @type {const} */ ([
  'd_model', 'vocab_size', 'n_classes', 'pooling', 'window', 'words', 'word_dtype'
])

/** LF_TILE: tokens whose contributions a head gives at once. */
export const TILE = 48
