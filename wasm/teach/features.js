/**
 * What a linear model sees of the documents: rows of numbers, dense (the encoder's vectors) or sparse (words). Both give the
 * two products that a fit needs, always summed in the same order.
 *
 * @typedef {object} Features
 * @property {number} width numbers in a row
 * @property {(scores: Float64Array, weights: Float64Array, classes: number, rows: Int32Array) => void} multiply
 *   scores[i, c] += sum_j x[rows[i], j] weights of (j, c)
 * @property {(gradient: Float64Array, residuals: Float64Array, classes: number, rows: Int32Array) => void} multiplyTransposed
 *   gradient of (j, c) += sum_i x[rows[i], j] residuals[i, c]
 * @property {(curvature: number, strength: number) => (x: Float64Array, classes: number) => void} preconditioner multiplies
 *   weights by the inverse of (about) curvature X^T X + strength
 * @property {(j: number, c: number, classes: number) => number} at where (j, c) is among the weights
 */

import { cholesky, solve } from './cholesky.js'

/** @implements {Features} */
export class Dense {
  /** @type {Float64Array | undefined} X^T X, lower triangle */
  #gram
  /** The last factor, and what it was made for: each fold asks for the same. */
  #factor = { curvature: 0, strength: 0, l: new Float64Array(0) }

  /**
   * @param {Float32Array} x [n, width]
   * @param {number} width
   */
  constructor(x, width) {
    this.x = x
    this.width = width
  }

  /** Weights are [classes, width]. @param {number} j @param {number} c */
  at(j, c) {
    return c * this.width + j
  }

  /** @type {Features['preconditioner']} */
  preconditioner(curvature, strength) {
    const { width } = this
    if (this.#factor.curvature !== curvature || this.#factor.strength !== strength) {
      this.#gram ??= gramOf(this.x, width, Int32Array.from({ length: this.x.length / width }, (_, i) => i))
      const l = this.#gram.map((sum) => curvature * sum)
      for (let j = 0; j < width; j++) l[j * width + j] += strength
      cholesky(l, width)
      this.#factor = { curvature, strength, l }
    }
    const { l } = this.#factor
    return (x, classes) => solve(l, width, x, classes)
  }

  /** Four classes at a time: their sums do not wait for each other. @type {Features['multiply']} */
  multiply(scores, weights, classes, rows) {
    const { x, width } = this
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] * width
      let c = 0
      for (; c + 4 <= classes; c += 4) {
        const w0 = c * width
        const w1 = w0 + width
        const w2 = w1 + width
        const w3 = w2 + width
        let [a0, a1, a2, a3] = [0, 0, 0, 0]
        for (let j = 0; j < width; j++) {
          const value = x[row + j]
          a0 += value * weights[w0 + j]
          a1 += value * weights[w1 + j]
          a2 += value * weights[w2 + j]
          a3 += value * weights[w3 + j]
        }
        const to = i * classes + c
        scores[to] += a0
        scores[to + 1] += a1
        scores[to + 2] += a2
        scores[to + 3] += a3
      }
      for (; c < classes; c++) {
        let sum = 0
        for (let j = 0; j < width; j++) sum += x[row + j] * weights[c * width + j]
        scores[i * classes + c] += sum
      }
    }
  }

  /** Four rows at a time: the gradient is read and written a quarter as often. @type {Features['multiplyTransposed']} */
  multiplyTransposed(gradient, residuals, classes, rows) {
    const { x, width } = this
    let i = 0
    for (; i + 4 <= rows.length; i += 4) {
      const x0 = rows[i] * width
      const x1 = rows[i + 1] * width
      const x2 = rows[i + 2] * width
      const x3 = rows[i + 3] * width
      for (let c = 0; c < classes; c++) {
        const from = i * classes + c
        const r0 = residuals[from]
        const r1 = residuals[from + classes]
        const r2 = residuals[from + 2 * classes]
        const r3 = residuals[from + 3 * classes]
        const to = c * width
        for (let j = 0; j < width; j++) {
          gradient[to + j] += (r0 * x[x0 + j] + r1 * x[x1 + j]) + (r2 * x[x2 + j] + r3 * x[x3 + j])
        }
      }
    }
    for (; i < rows.length; i++) {
      for (let c = 0; c < classes; c++) {
        const r = residuals[i * classes + c]
        for (let j = 0; j < width; j++) gradient[c * width + j] += r * x[rows[i] * width + j]
      }
    }
  }
}

/** @implements {Features} */
export class Sparse {
  /**
   * Row i has the values values[k] in the columns columns[k], for k from starts[i] to starts[i + 1].
   *
   * @param {Float64Array} starts [n + 1]
   * @param {Uint32Array} columns ascending in each row
   * @param {Float32Array} values
   * @param {number} width
   */
  constructor(starts, columns, values, width) {
    this.starts = starts
    this.columns = columns
    this.values = values
    this.width = width
  }

  /** Weights are [width, classes]. @param {number} j @param {number} c @param {number} classes */
  at(j, c, classes) {
    return j * classes + c
  }

  /** The diagonal alone. @type {Features['preconditioner']} */
  preconditioner(curvature, strength) {
    const scale = new Float64Array(this.width).fill(strength)
    this.columns.forEach((j, k) => { scale[j] += curvature * this.values[k] * this.values[k] })
    return (x, classes) => {
      for (let j = 0; j < scale.length; j++) for (let c = 0; c < classes; c++) x[j * classes + c] /= scale[j]
    }
  }

  /** @type {Features['multiply']} */
  multiply(scores, weights, classes, rows) {
    const { starts, columns, values } = this
    for (let i = 0; i < rows.length; i++) {
      const to = i * classes
      for (let k = starts[rows[i]]; k < starts[rows[i] + 1]; k++) {
        const value = values[k]
        const from = columns[k] * classes
        for (let c = 0; c < classes; c++) scores[to + c] += value * weights[from + c]
      }
    }
  }

  /** @type {Features['multiplyTransposed']} */
  multiplyTransposed(gradient, residuals, classes, rows) {
    const { starts, columns, values } = this
    for (let i = 0; i < rows.length; i++) {
      const from = i * classes
      for (let k = starts[rows[i]]; k < starts[rows[i] + 1]; k++) {
        const value = values[k]
        const to = columns[k] * classes
        for (let c = 0; c < classes; c++) gradient[to + c] += value * residuals[from + c]
      }
    }
  }
}

/**
 * Four rows at a time: the sums are read and written a quarter as often, and have their terms in the same order.
 *
 * @param {Float32Array} x [n, width]
 * @param {number} width
 * @param {ArrayLike<number>} rows
 * @returns {Float64Array} [width, width], the lower triangle of X^T X, for these rows of X
 */
export function gramOf(x, width, rows) {
  const gram = new Float64Array(width * width)
  let r = 0
  for (; r + 4 <= rows.length; r += 4) {
    const x0 = rows[r] * width
    const x1 = rows[r + 1] * width
    const x2 = rows[r + 2] * width
    const x3 = rows[r + 3] * width
    for (let i = 0; i < width; i++) {
      const a0 = x[x0 + i]
      const a1 = x[x1 + i]
      const a2 = x[x2 + i]
      const a3 = x[x3 + i]
      for (let j = 0; j <= i; j++) {
        const at = i * width + j
        gram[at] = gram[at] + a0 * x[x0 + j] + a1 * x[x1 + j] + a2 * x[x2 + j] + a3 * x[x3 + j]
      }
    }
  }
  for (; r < rows.length; r++) {
    const row = rows[r] * width
    for (let i = 0; i < width; i++) {
      const value = x[row + i]
      for (let j = 0; j <= i; j++) gram[i * width + j] += value * x[row + j]
    }
  }
  return gram
}
