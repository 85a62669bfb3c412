/**
 * A model file with random weights, made in memory, where only the shape matters: for benchmarks, tests and the demo page.
 *
 * It imports nothing, so that the same file serves Node.js and a page: the caller brings the library.
 *
 * @typedef {import('linformer-wasm').Config} Config
 * @typedef {import('linformer-wasm').Tensor} Tensor
 */

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
 * @param {Pick<typeof import('linformer-wasm'), 'tensorShapes' | 'writeSafetensors'>} library
 * @param {Partial<Config>} shape
 * @param {{ dtype?: 'F32' | 'F16' | 'I8', seed?: number }} [options] dtype of the matrices
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function randomWeights({ tensorShapes, writeSafetensors }, shape, { dtype = 'F32', seed = 1 } = {}) {
  /** @type {Config} */
  const config = {
    vocab_size: 257, n_max: 512, d_model: 32, n_layers: 2, n_heads: 4, d_ff: 64, n_classes: 2, k: [32, 32],
    attention: 'linformer', sharing: 'layerwise', projection: 'linear', positions: 'learned', ...shape
  }
  const random = randomNumbers(seed)
  /** @type {Map<string, Tensor>} */
  const tensors = new Map()
  const add = (/** @type {string} */ name, /** @type {string} */ type, /** @type {number[]} */ dims, /** @type {ArrayBufferView<ArrayBuffer>} */ data) => {
    tensors.set(name, { dtype: type, shape: dims, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) })
  }
  for (const [name, dims] of tensorShapes(config)) {
    const n = dims.reduce((a, b) => a * b, 1)
    // Activations neither vanish nor grow: matrices have variance 1 / inputs, E has variance 1 / n_max, so that p is of the
    // size of h whatever n is.
    const scale = dims.length === 1 ? 0.1 : name.startsWith('embed.') ? 0.5 : Math.sqrt(3 / dims[dims.length - 1])
    if (dims.length === 1 || dtype === 'F32') {
      const offset = name.endsWith('norm.weight') ? 1 : 0
      add(name, 'F32', dims, Float32Array.from({ length: n }, () => offset + scale * random()))
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
  return writeSafetensors(tensors, {
    format: 'linformer', version: '1', config: JSON.stringify(config), license: 'none', trained_on: 'nothing',
    labels: JSON.stringify(Array.from({ length: config.n_classes }, (_, c) => `label ${c}`)),
    tokenizer: JSON.stringify({ type: 'byte-level-bpe', lowercase: false, sep: 0 })
  })
}
