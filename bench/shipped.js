/**
 * A shipped model for the peers: its weights for onnx.js, its tokenizer as the tokenizer.json of Hugging Face.
 */
import { readFileSync } from 'node:fs'
import { readSafetensors, tensorValues } from '../wasm/node.js'

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./model.js').Weight} Weight
 */

/** Matrices with a row for each token: a shorter document needs fewer. */
const perToken = (/** @type {string} */ name) => name === 'embed.position.weight' ? 'rows' : /\.[EF]$/.test(name) ? 'columns' : undefined

/**
 * The weights of a model file as numbers, for documents of exactly n tokens.
 *
 * @param {string} path
 * @param {number} n at most the model's n_max
 * @returns {Model}
 */
export function shippedModel(path, n) {
  const { metadata, tensors } = readSafetensors(readFileSync(path), path)
  const config = JSON.parse(metadata.config)
  /** @type {Map<string, Weight>} */
  const weights = new Map()
  for (const [name, { dtype, shape }] of tensors) {
    if (name.startsWith('tokenizer.') || name.endsWith('.scale')) continue
    if (dtype !== 'F32' && dtype !== 'I8') throw new Error(`${path}: ${name} is ${dtype}`)
    const data = /** @type {Float32Array} */ (tensorValues(tensors, name))
    const columns = shape[shape.length - 1]
    if (perToken(name) === 'rows') {
      weights.set(name, { shape: [n, columns], data: data.slice(0, n * columns) })
    } else if (perToken(name) === 'columns') {
      weights.set(name, { shape: [shape[0], n], data: Float32Array.from({ length: shape[0] * n }, (_, i) => data[Math.floor(i / n) * columns + i % n]) })
    } else {
      weights.set(name, { shape, data })
    }
  }
  return { config: { ...config, n_max: n }, weights }
}

/** Stand-ins for the 256 bytes in byte-level BPE: printable bytes are themselves, the others U+0100 and on (GPT-2). */
function byteCharacters() {
  const printable = (/** @type {number} */ b) => (b >= 33 && b <= 126) || (b >= 161 && b !== 173)
  let next = 256
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++))
}

/**
 * @param {string} path
 * @returns {object} tokenizer.json
 */
export function tokenizerJson(path) {
  const { metadata, tensors } = readSafetensors(readFileSync(path), path)
  const { lowercase } = JSON.parse(metadata.tokenizer)
  const [vocab, at, pairs] = ['vocab', 'offsets', 'merges'].map((part) => tensorValues(tensors, `tokenizer.${part}`))
  const characters = byteCharacters()
  const tokens = Array.from({ length: at.length - 1 }, (_, id) => {
    return Array.from(vocab.subarray(at[id], at[id + 1]), (b) => characters[b]).join('') || `<special ${id}>`
  })
  return {
    version: '1.0', truncation: null, padding: null, added_tokens: [], post_processor: null, decoder: { type: 'ByteLevel' },
    normalizer: lowercase ? { type: 'Lowercase' } : null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false,
      byte_fallback: false, vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: Array.from({ length: pairs.length / 2 }, (_, i) => [tokens[pairs[2 * i]], tokens[pairs[2 * i + 1]]])
    }
  }
}

/**
 * A text of about `bytes` bytes in the shipped tokenizer's words: tokens drawn with Zipf's weights, those that the
 * tokenizer learned first being the most frequent.
 *
 * @param {string} path
 * @param {number} bytes
 * @param {() => number} random numbers in [-1, 1)
 */
export function shippedText(path, bytes, random) {
  const { tensors } = readSafetensors(readFileSync(path), path)
  const [vocab, at] = ['vocab', 'offsets'].map((part) => tensorValues(tensors, `tokenizer.${part}`))
  const words = Array.from({ length: at.length - 1 }, (_, id) => String.fromCharCode(...vocab.subarray(at[id], at[id + 1])))
    .filter((word) => /^ [a-z]{2,}$/.test(word))
  let text = ''
  while (text.length < bytes) {
    text += words[Math.floor(words.length ** ((1 + random()) / 2)) - 1]
    if (random() < -0.85) text += random() < 0 ? '.' : ','
  }
  return text.trim()
}
