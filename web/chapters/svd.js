/**
 * Singular values of a real matrix.
 *
 * They are the square roots of the eigenvalues of AᵀA, which is reduced to tridiagonal form by Householder reflections
 * and then solved by the QL algorithm with implicit shifts (Golub and Van Loan, Matrix Computations, 4th edition, sections
 * 8.3.1 and 8.3.3). Squaring costs half the digits of the small ones: below about 1e-8 of the largest value they are noise,
 * far below what a cumulative curve shows.
 */

const MOST_STEPS = 60 // for one eigenvalue; 2 or 3 are usual

/**
 * @param {ArrayLike<number>} matrix [rows, columns]
 * @param {number} rows
 * @param {number} columns
 * @returns {Float64Array} [columns], descending; never negative
 */
export function singularValues(matrix, rows, columns) {
  const gram = new Float64Array(columns * columns)
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < columns; i++) {
      const value = matrix[r * columns + i]
      if (value === 0) continue
      for (let j = 0; j <= i; j++) gram[i * columns + j] += value * matrix[r * columns + j]
    }
  }
  return symmetricEigenvalues(gram, columns).map((value) => Math.sqrt(Math.max(0, value))).sort((a, b) => b - a)
}

/**
 * @param {Float64Array} a [n, n], of which the lower triangle is read and overwritten
 * @param {number} n
 * @returns {Float64Array} [n], in no order
 */
export function symmetricEigenvalues(a, n) {
  const { diagonal, off } = tridiagonal(a, n)
  return eigenvaluesOf(diagonal, off, n)
}

/**
 * A similar matrix with entries on the diagonal and beside it alone, by one reflection for each row from the last.
 *
 * @param {Float64Array} a
 * @param {number} n
 */
function tridiagonal(a, n) {
  const diagonal = new Float64Array(n)
  const off = new Float64Array(n) // off[i] stands between i - 1 and i
  const v = new Float64Array(n)
  const w = new Float64Array(n)
  for (let i = n - 1; i > 0; i--) {
    // The reflection I - v vᵀ / h turns row i, left of the diagonal, into (0, ..., 0, off[i]).
    let norm = 0
    for (let k = 0; k < i; k++) {
      v[k] = a[i * n + k]
      norm += v[k] * v[k]
    }
    norm = Math.sqrt(norm)
    off[i] = v[i - 1] > 0 ? -norm : norm
    if (norm === 0 || i === 1) {
      off[i] = i === 1 ? a[i * n] : 0
      continue
    }
    v[i - 1] -= off[i]
    const h = -off[i] * v[i - 1] // half of v·v
    // w = A v / h, then less its part along v; A becomes A - v wᵀ - w vᵀ.
    w.fill(0, 0, i)
    for (let j = 0; j < i; j++) {
      let sum = 0
      for (let k = 0; k < j; k++) {
        sum += a[j * n + k] * v[k]
        w[k] += a[j * n + k] * v[j]
      }
      w[j] += sum + a[j * n + j] * v[j]
    }
    let along = 0
    for (let k = 0; k < i; k++) {
      w[k] /= h
      along += w[k] * v[k]
    }
    for (let k = 0; k < i; k++) w[k] -= (along / (2 * h)) * v[k]
    for (let j = 0; j < i; j++) {
      for (let k = 0; k <= j; k++) a[j * n + k] -= v[j] * w[k] + w[j] * v[k]
    }
  }
  for (let i = 0; i < n; i++) diagonal[i] = a[i * n + i]
  return { diagonal, off }
}

/**
 * @param {Float64Array} d the diagonal; overwritten
 * @param {Float64Array} off off[i] between i - 1 and i; overwritten
 * @param {number} n
 * @returns {Float64Array}
 */
function eigenvaluesOf(d, off, n) {
  const e = new Float64Array(n + 1)
  e.set(off.subarray(1)) // e[i] between i and i + 1
  // What is smaller than the rounding errors of the largest entries is nothing: a matrix of low rank has many such.
  const negligible = Number.EPSILON * d.reduce((most, value, i) => Math.max(most, Math.abs(value) + Math.abs(e[i])), 0)
  for (let low = 0; low < n; low++) {
    for (let step = 0; ; step++) {
      let high = low
      while (high < n - 1 && Math.abs(e[high]) > negligible) high++
      if (high === low) break
      if (step === MOST_STEPS) throw new Error(`eigenvalue ${low} of ${n} did not settle in ${MOST_STEPS} steps`)
      // Wilkinson's shift, then rotations that chase the entry it leaves outside the three diagonals.
      const half = (d[low + 1] - d[low]) / (2 * e[low])
      let g = d[high] - d[low] + e[low] / (half + Math.sign(half || 1) * Math.hypot(half, 1))
      let [sine, cosine, shift] = [1, 1, 0]
      let i = high - 1
      for (; i >= low; i--) {
        const f = sine * e[i]
        const b = cosine * e[i]
        const r = Math.hypot(f, g)
        e[i + 1] = r
        if (r === 0) {
          d[i + 1] -= shift
          e[high] = 0
          break
        }
        sine = f / r
        cosine = g / r
        g = d[i + 1] - shift
        const t = (d[i] - g) * sine + 2 * cosine * b
        shift = sine * t
        d[i + 1] = g + shift
        g = cosine * t - b
      }
      if (i >= low) continue
      d[low] -= shift
      e[low] = g
      e[high] = 0
    }
  }
  return d
}
