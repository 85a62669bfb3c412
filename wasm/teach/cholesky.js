/**
 * The Cholesky factor of a symmetric, positive definite matrix: A = L L^T. Four sums at a time, which do not wait for each other; the
 * terms of each come in the same order as alone.
 */

/**
 * @param {Float64Array} a [n, n]; its lower triangle becomes L
 * @param {number} n
 * @returns {Float64Array} the same
 */
export function cholesky(a, n) {
  for (let j = 0; j < n; j++) {
    const row = j * n
    let square = a[row + j]
    for (let k = 0; k < j; k++) square -= a[row + k] * a[row + k]
    const pivot = Math.sqrt(square)
    a[row + j] = pivot
    let i = j + 1
    for (; i + 4 <= n; i += 4) {
      const r0 = i * n
      const r1 = r0 + n
      const r2 = r1 + n
      const r3 = r2 + n
      let s0 = a[r0 + j]
      let s1 = a[r1 + j]
      let s2 = a[r2 + j]
      let s3 = a[r3 + j]
      for (let k = 0; k < j; k++) {
        const value = a[row + k]
        s0 -= a[r0 + k] * value
        s1 -= a[r1 + k] * value
        s2 -= a[r2 + k] * value
        s3 -= a[r3 + k] * value
      }
      a[r0 + j] = s0 / pivot
      a[r1 + j] = s1 / pivot
      a[r2 + j] = s2 / pivot
      a[r3 + j] = s3 / pivot
    }
    for (; i < n; i++) {
      let sum = a[i * n + j]
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[row + k]
      a[i * n + j] = sum / pivot
    }
  }
  return a
}

/**
 * Solves L L^T x = b for several b, in place.
 *
 * @param {Float64Array} l [n, n], a Cholesky factor in its lower triangle
 * @param {number} n
 * @param {Float64Array} b [count, n], or more, which stays as it is
 * @param {number} count
 */
export function solve(l, n, b, count) {
  let c = 0
  for (; c + 4 <= count; c += 4) solveFour(l, n, b, c * n)
  for (; c < count; c++) solveOne(l, n, b, c * n)
}

/** @param {Float64Array} l @param {number} n @param {Float64Array} b @param {number} from where b begins */
function solveOne(l, n, b, from) {
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

/** @param {Float64Array} l @param {number} n @param {Float64Array} b @param {number} from where the first of four begins */
function solveFour(l, n, b, from) {
  const [b0, b1, b2, b3] = [from, from + n, from + 2 * n, from + 3 * n]
  for (let i = 0; i < n; i++) {
    let s0 = b[b0 + i]
    let s1 = b[b1 + i]
    let s2 = b[b2 + i]
    let s3 = b[b3 + i]
    for (let k = 0; k < i; k++) {
      const value = l[i * n + k]
      s0 -= value * b[b0 + k]
      s1 -= value * b[b1 + k]
      s2 -= value * b[b2 + k]
      s3 -= value * b[b3 + k]
    }
    const pivot = l[i * n + i]
    b[b0 + i] = s0 / pivot
    b[b1 + i] = s1 / pivot
    b[b2 + i] = s2 / pivot
    b[b3 + i] = s3 / pivot
  }
  for (let i = n - 1; i >= 0; i--) {
    const pivot = l[i * n + i]
    const v0 = b[b0 + i] / pivot
    const v1 = b[b1 + i] / pivot
    const v2 = b[b2 + i] / pivot
    const v3 = b[b3 + i] / pivot
    b[b0 + i] = v0
    b[b1 + i] = v1
    b[b2 + i] = v2
    b[b3 + i] = v3
    for (let k = 0; k < i; k++) {
      const value = l[i * n + k]
      b[b0 + k] -= value * v0
      b[b1 + k] -= value * v1
      b[b2 + k] -= value * v2
      b[b3 + k] -= value * v3
    }
  }
}
