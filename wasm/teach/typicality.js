/**
 * What the examples look like to the encoder: the mean and the covariance of their vectors' directions, and how far documents of their
 * kind lie from the mean. A document farther out than all of them is unlike anything that was taught.
 *
 * The covariance is shrunk towards a multiple of the identity by the amount that Ledoit and Wolf derive (2004): a sample's own is
 * singular with fewer documents than dimensions. Distances are of documents that neither mean nor covariance has seen: others
 * would seem nearer than new ones do. They are divided by what the length of a document makes of them: the vector of a long one is a mean
 * over many tokens and near to any other, so without that a chapter of a novel looks like an e-mail to a head that knows only e-mails.
 */
import { spreadOf } from '../classify/typicality.js'
import { exp, log } from './arithmetic.js'
import { cholesky } from './cholesky.js'
import { gramOf } from './features.js'

/**
 * What `spreadOf` takes. A few dozen examples of about one length do not tell it. Regressions of the squared distance on 1 / tokens find
 * from 0 to 44 where texts have up to some hundred tokens, and about 300 on terms of service of 2,400, which would excuse short foreign
 * texts. Hence one value for all heads, from the lower end.
 */
const NOISE = 5
/** The scale of a logistic distribution of standard deviation 1: sqrt(3) / pi. */
const LOGISTIC = 0.5513288954217921
/** The first and the last percentile stand for these shares: 0 and 1 would be at no distance and at any. */
const ENDS = 0.005

/**
 * @typedef {object} Typicality
 * @property {Float64Array} mean [width]
 * @property {Float64Array} whitening [width, width], lower triangular: distance = |whitening (x - mean)|
 * @property {Float64Array} quantiles [101] the percentiles of the distance / spreadOf(noise, tokens), from 0 to 100
 * @property {number} noise
 */

/**
 * Sums over documents from which mean and covariance come.
 *
 * @typedef {object} Moments
 * @property {number} n
 * @property {Float64Array} sum [width]
 * @property {Float64Array} products [width, width], lower triangle
 * @property {number} fourth sum of |x|^4
 */

/**
 * @param {Float32Array} x [n, width], roughly centred
 * @param {number} width
 * @param {ArrayLike<number>} rows
 * @returns {Moments}
 */
function momentsOf(x, width, rows) {
  const sum = new Float64Array(width)
  let fourth = 0
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r] * width
    let squares = 0
    for (let i = 0; i < width; i++) {
      const value = x[row + i]
      sum[i] += value
      squares += value * value
    }
    fourth += squares * squares
  }
  return { n: rows.length, sum, products: gramOf(x, width, rows), fourth }
}

/** @param {Moments} a @param {Moments} b @param {1 | -1} sign @returns {Moments} a + b, or a - b */
const combine = (a, b, sign) => ({
  n: a.n + sign * b.n,
  sum: a.sum.map((value, i) => value + sign * b.sum[i]),
  products: a.products.map((value, i) => value + sign * b.products[i]),
  fourth: a.fourth + sign * b.fourth
})

/**
 * @param {Moments} moments
 * @returns {{ mean: Float64Array, factor: Float64Array }} the Cholesky factor of the shrunk covariance
 */
function shrunk({ n, sum, products, fourth }) {
  const width = sum.length
  const mean = sum.map((value) => value / n)
  const covariance = new Float64Array(width * width)
  let trace = 0
  let norm = 0 // squared, of Frobenius
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      const value = products[i * width + j] / n - mean[i] * mean[j]
      covariance[i * width + j] = value
      norm += (i === j ? 1 : 2) * value * value
    }
    trace += covariance[i * width + i]
  }
  const level = trace / width
  // How far the sample's covariance is from the target, and how much of that is chance. The fourth moments are about the centre
  // that the rows came with, which is that of all documents.
  const spread = norm - width * level * level
  const noise = Math.max(0, (fourth / n - norm) / n)
  const shrinkage = spread > 0 ? Math.min(1, noise / spread) : 1
  // Documents that are all the same have no spread: any other is then infinitely far, but for this floor.
  const floor = level > 0 ? 1e-6 * level : 1e-12
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) covariance[i * width + j] *= 1 - shrinkage
    covariance[i * width + i] += shrinkage * level + floor
  }
  return { mean, factor: cholesky(covariance, width) }
}

/**
 * |L^-1 (x - mean)|, by forward substitution.
 *
 * @param {Float32Array} x
 * @param {number} from where the document's vector begins
 * @param {{ mean: Float64Array, factor: Float64Array }} model
 */
function distance(x, from, { mean, factor }) {
  const width = mean.length
  const y = new Float64Array(width)
  let squares = 0
  for (let i = 0; i < width; i++) {
    let value = x[from + i] - mean[i]
    for (let k = 0; k < i; k++) value -= factor[i * width + k] * y[k]
    y[i] = value / factor[i * width + i]
    squares += y[i] * y[i]
  }
  return Math.sqrt(squares)
}

/** @param {Float64Array} factor a Cholesky factor @param {number} width @returns {Float64Array} its inverse */
function invert(factor, width) {
  const inverse = new Float64Array(width * width)
  for (let c = 0; c < width; c++) {
    inverse[c * width + c] = 1 / factor[c * width + c]
    for (let i = c + 1; i < width; i++) {
      let sum = 0
      for (let k = c; k < i; k++) sum += factor[i * width + k] * inverse[k * width + c]
      inverse[i * width + c] = -sum / factor[i * width + i]
    }
  }
  return inverse
}

/**
 * @param {Float32Array} x [n, width], roughly centred
 * @param {number} width
 * @param {ArrayLike<number>} tokens of each document, how many
 * @param {Uint8Array} fold of each document
 * @param {number} folds
 * @param {() => Promise<void>} pause taken between folds
 * @returns {Promise<Typicality>}
 */
export async function fitTypicality(x, width, tokens, fold, folds, pause) {
  const parts = Array.from({ length: folds }, (_, held) => Array.from(fold.keys()).filter((row) => fold[row] === held))
  const moments = []
  for (const rows of parts) {
    await pause()
    moments.push(momentsOf(x, width, rows))
  }
  const all = moments.reduce((a, b) => combine(a, b, 1))
  const distances = new Float64Array(fold.length)
  for (const [held, rows] of parts.entries()) {
    await pause()
    const model = shrunk(combine(all, moments[held], -1))
    for (const row of rows) distances[row] = distance(x, row * width, model) / spreadOf(NOISE, tokens[row])
  }
  distances.sort()
  const { mean, factor } = shrunk(all)
  return { mean, whitening: invert(factor, width), quantiles: percentiles(distances), noise: NOISE }
}

/**
 * The percentiles of the distances of new documents: the i-th of n known ones is at i / (n + 1), so that a new one has the same chance to
 * fall between any two of them, and neighbours are joined by lines. What lies beyond the first and the last is what a logistic
 * distribution of the logarithm of the distance, as wide as theirs, has there; few documents would else call half of all new ones
 * stranger than they are.
 *
 * @param {Float64Array} sorted
 * @returns {Float64Array} [101]
 */
function percentiles(sorted) {
  const n = sorted.length
  const logs = sorted.map((distance) => log(Math.max(distance, 1e-12)))
  const mean = logs.reduce((a, b) => a + b, 0) / n
  const deviation = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / n)
  const odds = (/** @type {number} */ share) => log(share / (1 - share))
  /** How much farther than the one at `known` the one at `share` is. */
  const factor = (/** @type {number} */ share, /** @type {number} */ known) => exp(deviation * LOGISTIC * (odds(share) - odds(known)))
  return Float64Array.from({ length: 101 }, (_, percent) => {
    const share = Math.min(1 - ENDS, Math.max(ENDS, percent / 100))
    const at = share * (n + 1) - 1
    if (at < 0) return sorted[0] * factor(share, 1 / (n + 1))
    if (at > n - 1) return sorted[n - 1] * factor(share, n / (n + 1))
    const below = Math.floor(at)
    const above = Math.min(below + 1, n - 1)
    return sorted[below] + (at - below) * (sorted[above] - sorted[below])
  })
}
