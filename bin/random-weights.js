/**
 * A model file with random weights, made in memory, where only the shape matters: for benchmarks, tests and the demo page.
 *
 * It imports nothing, so that the same file serves Node.js and a page: the caller brings the library's list of tensors.
 */

/** @typedef {import('linformer-wasm').Config} Config */

const DTYPE_BYTES = { F32: 4, U32: 4, F16: 2, I8: 1, U8: 1 }

/** The same numbers each time (Marsaglia's xorshift). @param {number} seed */
function randomNumbers(seed) {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 31 - 1
  }
}

/**
 * A complete model file. Its tokenizer knows the 256 single bytes and no merges, so a text has as many tokens as bytes.
 *
 * @param {(config: Config) => Map<string, number[]>} tensorShapes of the library
 * @param {Partial<Config>} shape
 * @param {{ dtype?: 'F32' | 'F16' | 'I8', seed?: number }} [options] dtype of the matrices
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function randomWeights(tensorShapes, shape, { dtype = 'F32', seed = 1 } = {}) {
  /** @type {Config} */
  const config = {
    vocab_size: 257, n_max: 512, d_model: 32, n_layers: 2, n_heads: 4, d_ff: 64, n_classes: 2, k: [32, 32],
    attention: 'linformer', sharing: 'layerwise', projection: 'linear', positions: 'learned', ...shape
  }
  const random = randomNumbers(seed)
  /** @type {[string, keyof typeof DTYPE_BYTES, number[], Uint8Array][]} */
  const tensors = []
  const add = (/** @type {string} */ name, /** @type {keyof typeof DTYPE_BYTES} */ type, /** @type {number[]} */ dims, /** @type {ArrayBufferView} */ data) => {
    tensors.push([name, type, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])
  }
  for (const [name, dims] of tensorShapes(config)) {
    const n = dims.reduce((a, b) => a * b, 1)
    const scale = 0.5 / Math.sqrt(dims[dims.length - 1])
    if (dims.length === 1 || dtype === 'F32') {
      const offset = name.endsWith('norm.weight') ? 1 : 0
      add(name, 'F32', dims, Float32Array.from({ length: n }, () => offset + 0.1 * scale * random()))
    } else if (dtype === 'F16') { // exponents of 2^-7 to 2^-4, any sign and fraction
      add(name, 'F16', dims, Uint16Array.from({ length: n }, () => ((random() * 0x8000) & 0x83ff) | ((8 + (n % 4)) << 10)))
    } else {
      const rows = dims.slice(0, -1)
      add(`${name}.scale`, 'F32', rows, new Float32Array(rows.reduce((a, b) => a * b, 1)).fill(scale / 127))
      add(name, 'I8', dims, Int8Array.from({ length: n }, () => 127 * random()))
    }
  }
  const specials = config.vocab_size - 256
  add('tokenizer.vocab', 'U8', [256], Uint8Array.from({ length: 256 }, (_, i) => i))
  add('tokenizer.offsets', 'U32', [config.vocab_size + 1], Uint32Array.from({ length: config.vocab_size + 1 }, (_, i) => Math.max(0, i - specials)))
  add('tokenizer.merges', 'U32', [0, 2], new Uint32Array(0))
  return safetensors(tensors, {
    format: 'linformer', version: '1', config: JSON.stringify(config), license: 'none', trained_on: 'nothing',
    labels: JSON.stringify(Array.from({ length: config.n_classes }, (_, c) => `label ${c}`)),
    tokenizer: JSON.stringify({ type: 'byte-level-bpe', lowercase: false, sep: 0 })
  })
}

/**
 * @param {[string, string, number[], Uint8Array][]} tensors
 * @param {Record<string, string>} metadata
 * @returns {Uint8Array<ArrayBuffer>} a .safetensors file
 */
export function safetensors(tensors, metadata) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: metadata }
  let at = 0
  for (const [name, dtype, shape, data] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] }
    at += data.length
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const file = new Uint8Array(8 + text.length + at)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  at = 8 + text.length
  for (const [, , , data] of tensors) {
    file.set(data, at)
    at += data.length
  }
  return file
}
