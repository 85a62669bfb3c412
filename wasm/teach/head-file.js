/**
 * A head as a file: .safetensors with `kind: "head"`, which names the trunk that it belongs to by its digest.
 */
import { writeSafetensors } from '../source/safetensors.js'

/**
 * @typedef {import('../source/safetensors.js').Tensor} Tensor
 * @typedef {import('./fit.js').Head} Head
 */

/** @param {ArrayLike<number>} values @param {number[]} shape @returns {Tensor} */
const float32 = (values, shape) => ({ dtype: 'F32', shape, data: new Uint8Array(Float32Array.from(values).buffer) })

/**
 * Symmetric int8 with a scale for each row: the largest magnitude of a row becomes 127.
 *
 * @param {ArrayLike<number>} values
 * @param {number} rows
 * @param {number} columns
 * @returns {{ weight: Tensor, scale: Tensor }}
 */
function int8(values, rows, columns) {
  const quantised = new Int8Array(rows * columns)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    let largest = 0
    for (let c = 0; c < columns; c++) largest = Math.max(largest, Math.abs(values[row * columns + c]))
    scales[row] = largest > 0 ? largest / 127 : 1
    for (let c = 0; c < columns; c++) quantised[row * columns + c] = Math.round(values[row * columns + c] / scales[row])
  }
  return {
    weight: { dtype: 'I8', shape: [rows, columns], data: new Uint8Array(quantised.buffer) },
    scale: { dtype: 'F32', shape: [rows], data: new Uint8Array(scales.buffer) }
  }
}

/**
 * @param {Head} head
 * @param {object} about
 * @param {string} about.trunk `sha256-...` of the trunk's file
 * @param {string | undefined} about.trunkName for messages
 * @param {number} about.vocabulary of the trunk
 * @param {Record<string, string>} about.metadata more of it: name, licence, the report
 * @returns {Uint8Array<ArrayBuffer>} the same for the same head, on every host
 */
export function headFile({ labels, kind, thresholds, weights, bias, words, typicality }, { trunk, trunkName, vocabulary, metadata }) {
  const classes = labels.length
  const width = weights.length / classes / 2
  const half = (/** @type {0 | 1} */ which) => {
    const rows = Array.from({ length: classes }, (_, c) => weights.subarray((2 * c + which) * width, (2 * c + which + 1) * width))
    return float32(rows.flatMap((row) => [...row]), [classes, width])
  }
  /** @type {Map<string, Tensor>} */
  const tensors = new Map([['head.weight', half(0)], ['head.token_weight', half(1)], ['head.bias', float32(bias, [classes])]])
  if (words !== undefined) {
    const m = words.ids.length
    const { weight, scale } = int8(words.weights, m, classes)
    tensors.set('words.ids', { dtype: 'I32', shape: [m], data: new Uint8Array(words.ids.buffer, words.ids.byteOffset, words.ids.byteLength) })
    tensors.set('words.idf', float32(words.idf, [m]))
    tensors.set('words.weight.scale', scale)
    tensors.set('words.weight', weight)
  }
  const whitening = int8(typicality.whitening, width, width)
  tensors.set('typicality.direction', float32(typicality.mean, [width]))
  tensors.set('typicality.noise', float32([typicality.noise], [1]))
  tensors.set('typicality.quantiles', float32(typicality.quantiles, [typicality.quantiles.length]))
  tensors.set('typicality.whitening.scale', whitening.scale)
  tensors.set('typicality.whitening', whitening.weight)
  const config = { d_model: width, vocab_size: vocabulary, n_classes: classes, pooling: 'directions', ...(words === undefined ? {} : { words: words.ids.length }) }
  return writeSafetensors(tensors, {
    format: 'linformer',
    version: '2',
    kind: 'head',
    trunk,
    ...(trunkName === undefined ? {} : { trunk_name: trunkName }),
    config: JSON.stringify(config),
    labels: JSON.stringify(labels),
    labels_kind: kind,
    ...(thresholds === undefined ? {} : { thresholds: JSON.stringify(thresholds) }),
    ...metadata
  })
}
