/**
 * A head file with random weights, for a trunk of any shape.
 */
import { readSafetensors, writeSafetensors } from 'linformer-wasm'

/**
 * @param {{ d_model: number, vocab_size: number }} trunk
 * @param {object} [parts]
 * @param {number} [parts.n_classes]
 * @param {'mean' | 'weighted' | 'window-max' | 'directions'} [parts.pooling]
 * @param {number} [parts.window]
 * @param {number} [parts.words] tokens that its word head knows: every so many of the vocabulary
 * @param {'F32' | 'F16' | 'I8'} [parts.dtype] of its word head's weights
 * @param {'one' | 'many'} [parts.kind] of its labels
 * @param {string} [parts.digest] of its trunk
 * @param {number} [parts.seed]
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function randomHead({ d_model, vocab_size }, { n_classes = 2, pooling = 'mean', window, words = 0, dtype = 'F32', kind = 'one', digest = '', seed = 1 } = {}) {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  }
  const tensor = (type, shape) => {
    const length = shape.reduce((a, b) => a * b, 1)
    const values = { F32: () => Float32Array.from({ length }, random), F16: () => Uint16Array.from({ length }, () => 0x3000 + (random() + 0.5) * 0x400), I8: () => Int8Array.from({ length }, () => random() * 255) }[type]()
    return { dtype: type, shape, data: new Uint8Array(values.buffer) }
  }
  const tensors = new Map([['head.weight', tensor('F32', [n_classes, d_model])], ['head.bias', tensor('F32', [n_classes])]])
  if (pooling === 'directions') tensors.set('head.token_weight', tensor('F32', [n_classes, d_model]))
  if (words > 0) {
    const ids = Int32Array.from({ length: words }, (_, i) => Math.floor(i * vocab_size / words))
    tensors.set('words.ids', { dtype: 'I32', shape: [words], data: new Uint8Array(ids.buffer) })
    tensors.set('words.idf', tensor('F32', [words]))
    if (dtype === 'I8') tensors.set('words.weight.scale', { dtype: 'F32', shape: [words], data: new Uint8Array(new Float32Array(words).fill(0.01).buffer) })
    tensors.set('words.weight', tensor(dtype, [words, n_classes]))
  }
  return writeSafetensors(tensors, {
    format: 'linformer', version: '2', kind: 'head', trunk: digest,
    config: JSON.stringify({ d_model, vocab_size, n_classes, pooling, window, words: words || undefined }),
    labels: JSON.stringify(Array.from({ length: n_classes }, (_, c) => `label ${c}`)),
    labels_kind: kind
  })
}

/** A model file as a trunk: without its head. */
export function asTrunk(model) {
  const { metadata: { labels, ...metadata }, tensors } = readSafetensors(model)
  const { n_classes, ...config } = JSON.parse(metadata.config)
  return writeSafetensors([...tensors].filter(([name]) => !name.startsWith('head.')), {
    ...metadata, version: '2', kind: 'trunk', config: JSON.stringify(config)
  })
}
