/**
 * The Cholesky factor of a symmetric, positive definite matrix: A = L L^T.
 */

/**
 * @param {Float64Array} a [n, n]; its lower triangle becomes L
 * @param {number} n
 * @returns {Float64Array} the same
 */
export function cholesky(a, n) {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k]
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]
    }
  }
  return a
}

/**
 * Solves L L^T x = b, in place.
 *
 * @param {Float64Array} l [n, n], a Cholesky factor in its lower triangle
 * @param {number} n
 * @param {Float64Array} b
 * @param {number} from where b begins in its array
 */
export function solve(l, n, b, from) {
  for (let i = 0; i < n; i++) {
    let sum = b[from + i]
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * b[from + k]
    b[from + i] = sum / l[i * n + i]
  }
  for (let i = n - 1; i >= 0; i--) {
    const value = b[from + i] / l[i * n + i]
    b[from + i] = value
    for (let k = 0; k < i; k++) b[from + k] -= l[i * n + k] * value
  }
}
