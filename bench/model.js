/**
 * The model that every engine runs: one set of random weights, as a model file of this project and as a table for onnx.js.
 */
import { tensorShapes } from '../wasm/node.js'
import { safetensors } from '../bin/random-weights.js'
import { randomNumbers } from './text.js'

/**
 * @typedef {import('../wasm/index.js').Config} Config
 * @typedef {{ shape: number[], data: Float32Array }} Weight
 * @typedef {{ config: Config, weights: Map<string, Weight> }} Model
 */

/**
 * Random weights whose activations neither vanish nor grow: matrices have variance 1 / inputs, E has variance 1 / n_max,
 * so that p is of the size of h whatever n is.
 *
 * @param {Partial<Config>} shape
 * @param {number} [seed]
 * @returns {Model}
 */
export function benchModel(shape, seed = 1) {
  /** @type {Config} */
  const config = {
    vocab_size: 257, n_max: 512, d_model: 128, n_layers: 4, n_heads: 4, d_ff: 512, n_classes: 2, k: [128, 128, 128, 128],
    attention: 'linformer', sharing: 'layerwise', projection: 'linear', positions: 'learned', ...shape
  }
  const random = randomNumbers(seed)
  /** @type {Map<string, Weight>} */
  const weights = new Map()
  for (const [name, dims] of tensorShapes(config)) {
    const n = dims.reduce((a, b) => a * b, 1)
    const offset = name.endsWith('norm.weight') ? 1 : 0
    const embedding = name.startsWith('embed.')
    const scale = dims.length === 1 ? 0.1 : embedding ? 0.5 : Math.sqrt(3 / dims[dims.length - 1])
    weights.set(name, { shape: dims, data: Float32Array.from({ length: n }, () => offset + scale * random()) })
  }
  return { config, weights }
}

/**
 * The model as a .safetensors file. Its tokenizer knows the 256 single bytes, byte b as token b + 1, and no merges.
 *
 * @param {Model} model
 * @returns {Uint8Array}
 */
export function modelFile({ config, weights }) {
  const bytes = (/** @type {ArrayBufferView} */ data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  /** @type {[string, string, number[], Uint8Array][]} */
  const tensors = [...weights].map(([name, { shape, data }]) => [name, 'F32', shape, bytes(data)])
  tensors.push(['tokenizer.vocab', 'U8', [256], Uint8Array.from({ length: 256 }, (_, i) => i)])
  tensors.push(['tokenizer.offsets', 'U32', [258], bytes(Uint32Array.from({ length: 258 }, (_, i) => Math.max(0, i - 1)))])
  tensors.push(['tokenizer.merges', 'U32', [0, 2], new Uint8Array(0)])
  return safetensors(tensors, {
    format: 'linformer', version: '1', config: JSON.stringify(config), labels: JSON.stringify(['a', 'b']),
    license: 'none', trained_on: 'nothing', tokenizer: JSON.stringify({ type: 'byte-level-bpe', lowercase: false, sep: 0 })
  })
}
