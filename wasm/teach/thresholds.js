/**
 * With many labels a document, the score from which each counts as found: the one with the largest F1 on held-out documents.
 */

/** A label with fewer documents than this takes the threshold that suits all labels together. */
const ENOUGH = 10
const RANGE = { least: 0.05, most: 0.95 }

/**
 * @param {number[]} scores
 * @param {boolean[]} truth
 * @returns {number} halfway between the score that is still taken and the next
 */
function bestThreshold(scores, truth) {
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b)
  const there = truth.filter(Boolean).length
  let best = 0
  let threshold = 0.5
  let hits = 0
  order.forEach((i, rank) => {
    if (truth[i]) hits++
    const next = rank + 1 < order.length ? scores[order[rank + 1]] : 0
    const f1 = (2 * hits) / (rank + 1 + there)
    if (next < scores[i] && f1 > best) {
      best = f1
      threshold = (scores[i] + next) / 2
    }
  })
  return Math.min(RANGE.most, Math.max(RANGE.least, threshold))
}

/**
 * @param {Float64Array} probabilities held out, [n, classes]
 * @param {Uint8Array} has [n, classes]
 * @param {number} classes
 * @param {Int32Array} rows to go by
 * @returns {number[]}
 */
export function chooseThresholds(probabilities, has, classes, rows) {
  const column = (/** @type {number} */ c) => ({
    scores: Array.from(rows, (row) => probabilities[row * classes + c]),
    truth: Array.from(rows, (row) => has[row * classes + c] === 1)
  })
  const columns = Array.from({ length: classes }, (_, c) => column(c))
  const common = bestThreshold(columns.flatMap(({ scores }) => scores), columns.flatMap(({ truth }) => truth))
  return columns.map(({ scores, truth }) => truth.filter(Boolean).length < ENOUGH ? common : bestThreshold(scores, truth))
}
