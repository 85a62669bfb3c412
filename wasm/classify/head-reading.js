/**
 * What a head makes of the rows x that a run has left: logits, evidence, and each token's share.
 */

/**
 * @typedef {import('../engine/instance.js').Rows} Rows
 * @typedef {import('../source/head.js').Head} Head
 * @typedef {{ from: number, to: number }} Range of tokens
 *
 * @typedef {object} HeadReading of one window of the document, without the word head
 * @property {ArrayLike<number>} logits [n_classes], with the bias
 * @property {number} weight what these logits weigh among those of other windows
 * @property {Range[]} evidence with window-max, for each class; otherwise empty
 * @property {Float32Array} contributions [n, n_classes]; their mean plus the bias is the logit
 */

/** The engine's epsilon of LayerNorm. */
const NORM_EPSILON = 1e-5

/** Tokens between two pauses. */
const TOKENS_PER_SLICE = 512

/** Bounds of the exponent of a token's importance. */
const MOST_IMPORTANCE = 20

/**
 * h = LN(x_t) of every token, one after another.
 *
 * @param {Rows} rows
 * @param {() => Promise<void>} pause
 * @param {(h: Float64Array, t: number) => void} take `h` is valid during the call
 */
async function eachNormalised({ x, stride, n, gain, offset }, pause, take) {
  const d = gain.length
  const h = new Float64Array(d)
  for (let t = 0; t < n; t++) {
    const row = t * stride
    let sum = 0
    for (let i = 0; i < d; i++) sum += x[row + i]
    const mean = sum / d
    let squares = 0
    for (let i = 0; i < d; i++) squares += (x[row + i] - mean) ** 2
    const scale = 1 / Math.sqrt(squares / d + NORM_EPSILON)
    for (let i = 0; i < d; i++) h[i] = (x[row + i] - mean) * scale * gain[i] + offset[i]
    take(h, t)
    if (t % TOKENS_PER_SLICE === 0) await pause()
  }
}

/** How much a token counts: exp of s of its id and of u . h, within bounds. @param {Rows} rows @param {Float64Array} h @param {number} t */
function importanceOf({ importance, ids }, h, t) {
  if (importance === undefined) return 1
  let exponent = importance.token[ids[t]]
  for (let i = 0; i < h.length; i++) exponent += importance.weight[i] * h[i]
  return Math.exp(Math.min(MOST_IMPORTANCE, Math.max(-MOST_IMPORTANCE, exponent)))
}

/**
 * @param {Rows} rows
 * @param {Head} head
 * @param {() => Promise<void>} pause
 * @returns {Promise<HeadReading>}
 */
export async function readHead(rows, head, pause) {
  const { n } = rows
  const { pooling, n_classes: classes } = head.config
  const { weight: w, bias } = head
  const products = new Float32Array(n * classes)
  let total = 0
  await eachNormalised(rows, pause, (h, t) => {
    const a = pooling === 'weighted' ? importanceOf(rows, h, t) : 1
    total += a
    for (let c = 0; c < classes; c++) {
      let sum = 0
      for (let i = 0; i < h.length; i++) sum += h[i] * w[c * h.length + i]
      products[t * classes + c] = a * sum
    }
  })
  if (pooling === 'window-max') return bestWindows(products, n, classes, Number(head.config.window), bias)
  const logits = Float64Array.from(bias)
  for (let i = 0; i < products.length; i++) {
    products[i] *= n / total
    logits[i % classes] += products[i] / n
  }
  return { logits, weight: total, evidence: [], contributions: products }
}

/**
 * For each class the window with the largest mean; windows of `length` tokens start at each half of it.
 *
 * @param {Float32Array} products [n, classes]; becomes the contributions
 * @param {number} n
 * @param {number} classes
 * @param {number} length
 * @param {Float32Array} bias
 * @returns {HeadReading}
 */
function bestWindows(products, n, classes, length, bias) {
  const half = length / 2
  const count = Math.max(1, Math.ceil(n / half) - 1)
  const logits = new Float64Array(classes).fill(-Infinity)
  /** @type {Range[]} */
  const evidence = new Array(classes)
  for (let j = 0; j < count; j++) {
    const from = j * half
    const to = Math.min(n, from + length)
    for (let c = 0; c < classes; c++) {
      let sum = 0
      for (let t = from; t < to; t++) sum += products[t * classes + c]
      const mean = sum / (to - from)
      if (mean <= logits[c]) continue
      logits[c] = mean
      evidence[c] = { from, to }
    }
  }
  for (let t = 0; t < n; t++) {
    for (let c = 0; c < classes; c++) {
      const { from, to } = evidence[c]
      products[t * classes + c] *= t >= from && t < to ? n / (to - from) : 0
    }
  }
  return { logits: logits.map((logit, c) => logit + bias[c]), weight: 1, evidence, contributions: products }
}
