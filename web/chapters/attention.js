/**
 * The attention matrices of a model with full attention, from its file: what the engine computes and never keeps.
 *
 * The same forward pass as src/encoder.c, in float64 and without any haste; one layer's matrix for one head is
 * softmax(q Kᵀ / √d_head), [n, n].
 *
 * @typedef {import('../wasm/index.js').Config} Config
 * @typedef {(name: string) => Float64Array} Weights values of a tensor, dequantised
 */

const NORM_EPSILON = 1e-5

/**
 * A model file, taken apart.
 *
 * @param {Pick<typeof import('../wasm/index.js'), 'readSafetensors' | 'tensorValues'>} library
 * @param {ArrayBuffer} file .safetensors
 * @returns {{ config: Config, weights: Weights }}
 */
export function readModel({ readSafetensors, tensorValues }, file) {
  const { metadata, tensors } = readSafetensors(file)
  return { config: JSON.parse(metadata.config), weights: (name) => Float64Array.from(tensorValues(tensors, name)) }
}

/**
 * @param {Config} config with full attention
 * @param {Weights} weights
 * @param {ArrayLike<number>} ids [n]
 * @returns {Float64Array} x before the first layer, [n, d_model]
 */
export function embed({ d_model: d, positions }, weights, ids) {
  const tokens = weights('embed.token.weight')
  const table = positions === 'learned' ? weights('embed.position.weight') : undefined
  const x = new Float64Array(ids.length * d)
  for (let t = 0; t < ids.length; t++) {
    for (let c = 0; c < d; c++) {
      const rate = Math.exp(-Math.log(10000) * (c - (c % 2)) / d)
      const position = table ? table[t * d + c] : c % 2 === 0 ? Math.sin(t * rate) : Math.cos(t * rate)
      x[t * d + c] = tokens[ids[t] * d + c] + position
    }
  }
  return x
}

/**
 * One layer: x becomes what the layer makes of it, and its attention is returned.
 *
 * @param {Config} config
 * @param {Weights} weights
 * @param {number} layer
 * @param {Float64Array} x [n, d_model], overwritten
 * @returns {Float64Array[]} for each head the probabilities, [n, n]
 */
export function runLayer({ d_model: d, d_ff: dFf, n_heads: heads }, weights, layer, x) {
  const at = `layers.${layer}`
  const n = x.length / d
  const dHead = d / heads
  const apply = (/** @type {Float64Array} */ rows, /** @type {string} */ name, /** @type {number} */ into, /** @type {number} */ out) => {
    return linear(rows, weights(`${at}.${name}.weight`), weights(`${at}.${name}.bias`), into, out)
  }
  const h = norm(x, weights(`${at}.attn_norm.weight`), weights(`${at}.attn_norm.bias`), d)
  const [query, key, value] = ['query', 'key', 'value'].map((part) => apply(h, `attn.${part}`, d, d))
  const context = new Float64Array(n * d)
  const matrices = []
  for (let head = 0; head < heads; head++) {
    const probs = new Float64Array(n * n)
    const from = head * dHead
    for (let i = 0; i < n; i++) {
      let top = -Infinity
      for (let j = 0; j < n; j++) {
        let score = 0
        for (let c = from; c < from + dHead; c++) score += query[i * d + c] * key[j * d + c]
        probs[i * n + j] = score / Math.sqrt(dHead)
        top = Math.max(top, probs[i * n + j])
      }
      let sum = 0
      for (let j = 0; j < n; j++) sum += probs[i * n + j] = Math.exp(probs[i * n + j] - top)
      for (let j = 0; j < n; j++) {
        probs[i * n + j] /= sum
        for (let c = from; c < from + dHead; c++) context[i * d + c] += probs[i * n + j] * value[j * d + c]
      }
    }
    matrices.push(probs)
  }
  add(x, apply(context, 'attn.out', d, d))
  const inner = apply(norm(x, weights(`${at}.ffn_norm.weight`), weights(`${at}.ffn_norm.bias`), d), 'ffn.in', d, dFf)
  add(x, apply(inner.map(gelu), 'ffn.out', dFf, d))
  return matrices
}

/** @param {Float64Array} x @param {Float64Array} y */
function add(x, y) {
  for (let i = 0; i < x.length; i++) x[i] += y[i]
}

/** LayerNorm of each row. @param {Float64Array} x @param {Float64Array} gain @param {Float64Array} bias @param {number} d */
function norm(x, gain, bias, d) {
  const out = new Float64Array(x.length)
  for (let at = 0; at < x.length; at += d) {
    let [mean, variance] = [0, 0]
    for (let c = 0; c < d; c++) mean += x[at + c] / d
    for (let c = 0; c < d; c++) variance += (x[at + c] - mean) ** 2 / d
    const scale = 1 / Math.sqrt(variance + NORM_EPSILON)
    for (let c = 0; c < d; c++) out[at + c] = (x[at + c] - mean) * scale * gain[c] + bias[c]
  }
  return out
}

/** @param {Float64Array} x [n, into] @param {Float64Array} weight [out, into] @param {Float64Array} bias @param {number} into @param {number} out */
function linear(x, weight, bias, into, out) {
  const n = x.length / into
  const y = new Float64Array(n * out)
  for (let t = 0; t < n; t++) {
    for (let o = 0; o < out; o++) {
      let sum = bias[o]
      for (let i = 0; i < into; i++) sum += x[t * into + i] * weight[o * into + i]
      y[t * out + o] = sum
    }
  }
  return y
}

/** The tanh form. @param {number} x @returns {number} */
const gelu = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

/**
 * Token ids from the pieces of a text that the tokenizer made: the same bytes are the same token.
 *
 * @param {string} text
 * @param {{ start: number, end: number }[]} pieces
 * @param {Weights} weights
 * @param {boolean} lowercase
 * @returns {Int32Array}
 */
export function tokenIds(text, pieces, weights, lowercase) {
  const [vocab, offsets] = [Uint8Array.from(weights('tokenizer.vocab')), weights('tokenizer.offsets')]
  /** @type {Map<string, number>} */
  const ids = new Map()
  const name = (/** @type {Uint8Array} */ bytes) => String.fromCharCode(...bytes)
  for (let id = offsets.length - 2; id >= 0; id--) {
    const bytes = vocab.subarray(offsets[id], offsets[id + 1])
    if (bytes.length > 0) ids.set(name(bytes), id)
  }
  const encoder = new TextEncoder()
  return Int32Array.from(pieces, ({ start, end }) => {
    const piece = text.slice(start, end)
    const bytes = encoder.encode(lowercase ? piece.toLowerCase() : piece)
    // A character that was divided between tokens is found by its first byte alone; such are rare and weigh little.
    return ids.get(name(bytes)) ?? ids.get(name(bytes.subarray(0, 1))) ?? 0
  })
}
