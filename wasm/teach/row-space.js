/**
 * Few documents with many features: the weights of a fit with an L2 penalty are a sum of the documents' rows, so it can be done in
 * as many dimensions as there are documents. With K = X X^T = L L^T, the rows of L have the same products with each other as
 * those of X; a fit on L is the same fit, and its weights z stand for X^T L^-T z.
 */
import { cholesky } from './cholesky.js'
import { Dense } from './features.js'

/** Up to so many documents it is faster (measured from 32 to 1,000, widths 256 and 20,000). */
const MOST_ROWS = 512

/**
 * @typedef {import('./features.js').Features} Features
 * @typedef {import('./logistic.js').Linear} Linear
 *
 * @typedef {object} Compact
 * @property {Features} features to fit
 * @property {(model: Linear) => Linear} expand a model of these features as one of the original ones
 */

/**
 * @param {Features} original
 * @param {number} n documents
 * @returns {Compact} the original features where that is as good
 */
export function compact(original, n) {
  const { width } = original
  if (n > MOST_ROWS || n >= width) return { features: original, expand: (model) => model }
  const rows = Int32Array.from({ length: n }, (_, i) => i)
  const products = new Float64Array(n * n)
  // Row i of X, as the weights of one class: its products with all rows.
  const own = new Float64Array(width)
  for (let i = 0; i < n; i++) {
    own.fill(0)
    original.multiplyTransposed(own, Float64Array.of(1), 1, rows.subarray(i, i + 1))
    original.multiply(products.subarray(i * n, (i + 1) * n), own, 1, rows)
  }
  let trace = 0
  for (let i = 0; i < n; i++) trace += products[i * n + i]
  // The same text twice makes K singular.
  for (let i = 0; i < n; i++) products[i * n + i] += 1e-9 * (trace / n) + 1e-30
  const factor = cholesky(products, n)
  for (let i = 0; i < n; i++) factor.fill(0, i * n + i + 1, (i + 1) * n)

  /** @param {Linear} model */
  const expand = ({ weights, bias }) => {
    const classes = bias.length
    const shares = new Float64Array(n * classes) // of each row, [n, classes]
    for (let c = 0; c < classes; c++) {
      const z = weights.slice(c * n, (c + 1) * n)
      for (let i = n - 1; i >= 0; i--) {
        const share = z[i] / factor[i * n + i]
        shares[i * classes + c] = share
        for (let k = 0; k < i; k++) z[k] -= factor[i * n + k] * share
      }
    }
    const expanded = new Float64Array(width * classes)
    original.multiplyTransposed(expanded, shares, classes, rows)
    return { weights: expanded, bias }
  }
  return { features: new Dense(Float32Array.from(factor), n), expand }
}
