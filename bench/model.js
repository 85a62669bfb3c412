/**
 * The model that every engine runs: one set of random weights, as a model file of this project and as a table for onnx.js.
 */
import { randomWeights } from '../bin/random-weights.js'
import { readSafetensors, tensorShapes, tensorValues, writeSafetensors } from '../wasm/node.js'

/**
 * @typedef {import('../wasm/index.js').Config} Config
 * @typedef {{ shape: number[], data: Float32Array }} Weight
 * @typedef {{ config: Config, weights: Map<string, Weight> }} Model
 */

/**
 * @param {Partial<Config>} shape
 * @returns {Uint8Array} a model file
 */
export const benchFile = (shape) => {
  return randomWeights({ tensorShapes, writeSafetensors }, { d_model: 128, n_layers: 4, d_ff: 512, k: [128, 128, 128, 128], ...shape })
}

/**
 * @param {Uint8Array} file a model file in F32
 * @returns {Model}
 */
export function benchModel(file) {
  const { metadata, tensors } = readSafetensors(file)
  const names = [...tensors.keys()].filter((name) => !name.startsWith('tokenizer.'))
  return {
    config: JSON.parse(metadata.config),
    weights: new Map(names.map((name) => {
      return [name, { shape: tensors.get(name)?.shape ?? [], data: /** @type {Float32Array} */ (tensorValues(tensors, name)) }]
    }))
  }
}
