/**
 * Figures that say how good predictions are: shares with their intervals, F1, average precision, calibration.
 */

/** @typedef {import('./types.js').Estimate} Estimate */

/** Bins of the calibration error. */
const BINS = 10
const RESAMPLES = 400
/** What share should be right above the threshold that `confident` names, and what its interval has to exclude. */
const RIGHT = 0.95
const TOO_FEW_RIGHT = 0.9
/** 97.5th percentile of the normal distribution. */
const Z = 1.959963984540054

/**
 * A share and its 95% interval (Wilson).
 *
 * @param {number} right
 * @param {number} n
 * @returns {Estimate}
 */
export function proportion(right, n) {
  const p = right / n
  const middle = p + (Z * Z) / (2 * n)
  const half = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n))
  const by = 1 + (Z * Z) / n
  return { value: p, low: Math.max(0, (middle - half) / by), high: Math.min(1, (middle + half) / by) }
}

/** Whole numbers at random below a limit, the same each time (mulberry32). @param {number} seed */
function random(seed) {
  let state = seed
  return (/** @type {number} */ limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/**
 * Figures of the documents, each with its 95% interval, from samples with replacement (percentile bootstrap).
 *
 * @param {number} n
 * @param {(rows: Int32Array) => number[]} figures
 * @returns {Estimate[]}
 */
function bootstrap(n, figures) {
  const below = random(n)
  const rows = new Int32Array(n)
  const samples = Array.from({ length: RESAMPLES }, () => {
    for (let i = 0; i < n; i++) rows[i] = below(n)
    return figures(rows)
  })
  return figures(Int32Array.from(rows, (_, i) => i)).map((value, f) => {
    const values = Float64Array.from(samples, (each) => each[f]).sort()
    const at = (/** @type {number} */ share) => values[Math.round(share * (RESAMPLES - 1))]
    return { value, low: at(0.025), high: at(0.975) }
  })
}

/** @param {number} hits @param {number} found @param {number} there @returns {number} at least one of the three is above 0 */
const f1 = (hits, found, there) => (2 * hits) / (found + there)

/**
 * What predictions make of each label, and of all of them.
 *
 * @param {Uint8Array} truth [n, classes], 1 where the label holds
 * @param {Uint8Array} predicted [n, classes], 1 where it is predicted
 * @param {number} classes
 */
export function compare(truth, predicted, classes) {
  const n = truth.length / classes
  /** Of each row, the labels that hold or are predicted: few. @type {number[][]} */
  const marked = []
  let right = 0
  for (let row = 0; row < n; row++) {
    const own = []
    let same = true
    for (let c = 0; c < classes; c++) {
      const [t, p] = [truth[row * classes + c], predicted[row * classes + c]]
      if (t !== p) same = false
      if (t + p > 0) own.push(c)
    }
    if (same) right++
    marked.push(own)
  }
  /** @param {Int32Array} rows @returns {{ hits: Int32Array, found: Int32Array, there: Int32Array }} of each label */
  const count = (rows) => {
    const [hits, found, there] = [new Int32Array(classes), new Int32Array(classes), new Int32Array(classes)]
    for (const row of rows) {
      for (const c of marked[row]) {
        const t = truth[row * classes + c]
        const p = predicted[row * classes + c]
        hits[c] += t & p
        found[c] += p
        there[c] += t
      }
    }
    return { hits, found, there }
  }
  const [macroF1, microF1] = bootstrap(n, (rows) => {
    const { hits, found, there } = count(rows)
    const present = [...there.keys()].filter((c) => there[c] > 0)
    const sum = (/** @type {Int32Array} */ of) => of.reduce((a, b) => a + b, 0)
    return [
      present.length === 0 ? 0 : present.reduce((total, c) => total + f1(hits[c], found[c], there[c]), 0) / present.length,
      sum(found) + sum(there) === 0 ? 1 : f1(sum(hits), sum(found), sum(there))
    ]
  })
  const { hits, found, there } = count(Int32Array.from({ length: n }, (_, i) => i))
  const perLabel = Array.from({ length: classes }, (_, c) => ({
    examples: there[c],
    precision: found[c] === 0 ? null : hits[c] / found[c],
    recall: there[c] === 0 ? null : hits[c] / there[c],
    f1: there[c] === 0 ? null : f1(hits[c], found[c], there[c])
  }))
  return { accuracy: proportion(right, n), macroF1, microF1, perLabel }
}

/**
 * The mean of the precision at each document that has the label, documents with equal scores taken together: the area below the
 * curve of precision by recall.
 *
 * @param {number[]} scores
 * @param {boolean[]} truth
 * @returns {number | null} null if no document has the label
 */
export function averagePrecision(scores, truth) {
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a])
  let [hits, before, sum] = [0, 0, 0]
  order.forEach((i, rank) => {
    if (truth[i]) hits++
    if (rank < order.length - 1 && scores[order[rank + 1]] === scores[i]) return
    sum += (hits - before) * (hits / (rank + 1))
    before = hits
  })
  return hits === 0 ? null : sum / hits
}

/**
 * Expected calibration error: how far confidence and the share of right answers are apart, on average.
 *
 * @param {number[]} confidences
 * @param {boolean[]} right
 */
export function calibrationError(confidences, right) {
  const sums = Array.from({ length: BINS }, () => ({ confidence: 0, right: 0 }))
  confidences.forEach((confidence, i) => {
    const bin = sums[Math.min(BINS - 1, Math.floor(confidence * BINS))]
    bin.confidence += confidence
    if (right[i]) bin.right++
  })
  return sums.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0) / confidences.length
}

/**
 * The lowest score above which at least 95% of the documents were right, and their share of all. The threshold is chosen on the
 * documents that it is of, so a few that happen to be right are not enough: the interval of the share has to lie above 90%. It does if
 * all of 35 are right, or 108 of 113.
 *
 * @param {number[]} confidences
 * @param {boolean[]} right
 * @returns {{ threshold: number, share: number } | null} null if there is none
 */
export function confident(confidences, right) {
  const order = confidences.map((_, i) => i).sort((a, b) => confidences[b] - confidences[a] || a - b)
  let hits = 0
  let taken = 0
  order.forEach((i, rank) => {
    if (right[i]) hits++
    // Documents with the same score are taken together.
    const isLast = rank === order.length - 1 || confidences[order[rank + 1]] < confidences[i]
    if (isLast && hits >= RIGHT * (rank + 1) && proportion(hits, rank + 1).low >= TOO_FEW_RIGHT) taken = rank + 1
  })
  return taken === 0 ? null : { threshold: confidences[order[taken - 1]], share: taken / order.length }
}
