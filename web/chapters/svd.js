/**
 * Singular values and vectors of a real matrix.
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
  return symmetricEigenvalues(gramOf(matrix, rows, columns), columns).map((value) => Math.sqrt(Math.max(0, value))).sort((a, b) => b - a)
}

/** The lower triangle of AᵀA. @param {ArrayLike<number>} matrix [rows, columns] @param {number} rows @param {number} columns */
function gramOf(matrix, rows, columns) {
  const gram = new Float64Array(columns * columns)
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < columns; i++) {
      const value = matrix[r * columns + i]
      if (value === 0) continue
      for (let j = 0; j <= i; j++) gram[i * columns + j] += value * matrix[r * columns + j]
    }
  }
  return gram
}

/**
 * @typedef {object} Decomposition matrix = sum over i of left[i] right[i]ᵀ: the first k terms are the nearest matrix of rank k
 * @property {Float64Array} values [n] singular values, descending
 * @property {Float64Array} left [n, n]; row i is the left singular vector i times its value, over the matrix's rows
 * @property {Float64Array} right [n, n]; row i is the right singular vector i, of length 1, over the matrix's columns
 */

/**
 * @param {ArrayLike<number>} matrix [n, n]
 * @param {number} n
 * @returns {Decomposition}
 */
export function decompose(matrix, n) {
  const gram = gramOf(matrix, n, n)
  const { diagonal, off } = tridiagonal(gram, n)
  const vectors = reflectionsOf(gram, n)
  const eigenvalues = eigenvaluesOf(diagonal, off, n, vectors)
  const order = Array.from(eigenvalues.keys()).sort((a, b) => eigenvalues[b] - eigenvalues[a])
  const right = new Float64Array(n * n)
  for (const [i, from] of order.entries()) right.set(vectors.subarray(from * n, (from + 1) * n), i * n)
  // The left vectors with their values are A times the right ones: nothing is divided by a value that may be none.
  const left = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < n; r++) {
      let sum = 0
      for (let c = 0; c < n; c++) sum += matrix[r * n + c] * right[i * n + c]
      left[i * n + r] = sum
    }
  }
  return { values: Float64Array.from(order, (from) => Math.sqrt(Math.max(0, eigenvalues[from]))), left, right }
}

/**
 * Adds terms of a decomposition to a matrix, or takes them away: from rank `from` to rank `to`.
 *
 * @param {Float64Array} matrix [n, n], overwritten
 * @param {Decomposition} decomposition
 * @param {number} from
 * @param {number} to
 */
export function changeRank(matrix, { values: { length: n }, left, right }, from, to) {
  const sign = to < from ? -1 : 1
  for (let i = Math.min(from, to); i < Math.max(from, to); i++) {
    for (let r = 0; r < n; r++) {
      const scale = sign * left[i * n + r]
      for (let c = 0; c < n; c++) matrix[r * n + c] += scale * right[i * n + c]
    }
  }
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
 * A similar matrix with entries on the diagonal and beside it alone, by one reflection for each row from the last. Row i of a
 * keeps, left of the diagonal, the vector of its reflection, and above the diagonal h, at [i - 1, i]; see `reflectionsOf`.
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
      a[(i - 1) * n + i] = 0 // no reflection
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
    for (let k = 0; k < i; k++) a[i * n + k] = v[k]
    a[(i - 1) * n + i] = h
  }
  for (let i = 0; i < n; i++) diagonal[i] = a[i * n + i]
  return { diagonal, off }
}

/**
 * The product of the reflections that `tridiagonal` left in a: a = Q T Qᵀ.
 *
 * @param {Float64Array} a
 * @param {number} n
 * @returns {Float64Array} Qᵀ, [n, n]
 */
function reflectionsOf(a, n) {
  const q = new Float64Array(n * n)
  for (let i = 0; i < n; i++) q[i * n + i] = 1
  // Q = H(n-1) ... H(1), of which H(i) changes the first i entries of a column alone; so Qᵀ grows from its corner.
  for (let i = 1; i < n; i++) {
    const h = a[(i - 1) * n + i]
    if (h === 0) continue
    for (let r = 0; r < i; r++) {
      let along = 0
      for (let c = 0; c < i; c++) along += q[r * n + c] * a[i * n + c]
      along /= h
      for (let c = 0; c < i; c++) q[r * n + c] -= along * a[i * n + c]
    }
  }
  return q
}

/**
 * @param {Float64Array} d the diagonal; overwritten
 * @param {Float64Array} off off[i] between i - 1 and i; overwritten
 * @param {number} n
 * @param {Float64Array} [vectors] [n, n] Qᵀ of `reflectionsOf`; its rows become the eigenvectors
 * @returns {Float64Array}
 */
function eigenvaluesOf(d, off, n, vectors) {
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
        if (vectors !== undefined) rotate(vectors, i * n, (i + 1) * n, n, sine, cosine)
      }
      if (i >= low) continue
      d[low] -= shift
      e[low] = g
      e[high] = 0
    }
  }
  return d
}

/**
 * Turns two rows in their plane.
 *
 * @param {Float64Array} rows
 * @param {number} a where the one starts
 * @param {number} b where the other starts
 * @param {number} n their length
 * @param {number} sine
 * @param {number} cosine
 */
function rotate(rows, a, b, n, sine, cosine) {
  for (let c = 0; c < n; c++) {
    const [x, y] = [rows[a + c], rows[b + c]]
    rows[b + c] = sine * x + cosine * y
    rows[a + c] = cosine * x - sine * y
  }
}
