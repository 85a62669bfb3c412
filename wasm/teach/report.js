/**
 * How good a taught classifier is, from its probabilities of documents that were held out, and from nothing else.
 */

/**
 * @typedef {import('./logistic.js').Targets} Targets
 * @typedef {import('./types.js').Estimate} Estimate
 * @typedef {import('./types.js').TeachReport} TeachReport
 */

/** Bins of the calibration error. */
const BINS = 10
const RESAMPLES = 400
/** What share should be right above the threshold that the report names. */
const RIGHT = 0.95
/** Of the examples, how many are named as perhaps mislabelled: this share, and so many at least and at most. */
const NAMED = { share: 0.1, least: 20, most: 1000 }
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
 * A figure of the documents and its 95% interval, from samples with replacement (percentile bootstrap).
 *
 * @param {number} n
 * @param {(rows: Int32Array) => number} figure
 * @returns {Estimate}
 */
function bootstrap(n, figure) {
  const below = random(n)
  const values = new Float64Array(RESAMPLES)
  const rows = new Int32Array(n)
  for (let sample = 0; sample < RESAMPLES; sample++) {
    for (let i = 0; i < n; i++) rows[i] = below(n)
    values[sample] = figure(rows)
  }
  values.sort()
  const at = (/** @type {number} */ share) => values[Math.round(share * (RESAMPLES - 1))]
  return { value: figure(Int32Array.from(rows, (_, i) => i)), low: at(0.025), high: at(0.975) }
}

/** @param {number} hits @param {number} found @param {number} there */
const f1 = (hits, found, there) => found + there === 0 ? 1 : (2 * hits) / (found + there)

/**
 * The mean of the labels' F1; labels that are neither there nor predicted do not count.
 *
 * @param {Uint8Array} truth [n, classes]
 * @param {Uint8Array} predicted [n, classes]
 * @param {number} classes
 * @param {number[][]} marked of each row, the labels that are there or predicted
 * @param {Int32Array} rows
 */
function macroF1(truth, predicted, classes, marked, rows) {
  const counts = new Int32Array(3 * classes)
  for (const row of rows) {
    for (const c of marked[row]) {
      const t = truth[row * classes + c]
      const p = predicted[row * classes + c]
      counts[c] += t & p
      counts[classes + c] += p
      counts[2 * classes + c] += t
    }
  }
  let sum = 0
  let present = 0
  for (let c = 0; c < classes; c++) {
    if (counts[classes + c] + counts[2 * classes + c] === 0) continue
    sum += f1(counts[c], counts[classes + c], counts[2 * classes + c])
    present++
  }
  return present === 0 ? 0 : sum / present
}

/** @param {ArrayLike<number>} values @param {number} from @param {number} to @returns {number} the first of the largest */
function argmax(values, from, to) {
  let best = from
  for (let c = from + 1; c < to; c++) if (values[c] > values[best]) best = c
  return best - from
}

/**
 * Expected calibration error: how far confidence and the share of right answers are apart, on average.
 *
 * @param {number[]} confidences
 * @param {boolean[]} right
 */
function calibrationError(confidences, right) {
  const sums = Array.from({ length: BINS }, () => ({ confidence: 0, right: 0 }))
  confidences.forEach((confidence, i) => {
    const bin = sums[Math.min(BINS - 1, Math.floor(confidence * BINS))]
    bin.confidence += confidence
    if (right[i]) bin.right++
  })
  return sums.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0) / confidences.length
}

/**
 * The lowest score above which at least 95% of the documents were right, and their share of all.
 *
 * @param {number[]} confidences
 * @param {boolean[]} right
 * @returns {{ threshold: number, share: number } | null} null if there is none
 */
function confident(confidences, right) {
  const order = confidences.map((_, i) => i).sort((a, b) => confidences[b] - confidences[a] || a - b)
  let hits = 0
  let taken = 0
  order.forEach((i, rank) => {
    if (right[i]) hits++
    // Documents with the same score are taken together.
    const isLast = rank === order.length - 1 || confidences[order[rank + 1]] < confidences[i]
    if (isLast && hits >= RIGHT * (rank + 1)) taken = rank + 1
  })
  return taken === 0 ? null : { threshold: confidences[order[taken - 1]], share: taken / order.length }
}

/**
 * @param {Float64Array} probabilities held out, [n, classes]
 * @param {Targets} targets
 * @param {(row: number, c: number) => number} thresholdOf with many
 * @returns {Uint8Array} [n, classes], 1 where the label is predicted
 */
function predictions(probabilities, { kind, classes }, thresholdOf) {
  const predicted = new Uint8Array(probabilities.length)
  for (let row = 0; row * classes < probabilities.length; row++) {
    const from = row * classes
    if (kind === 'one') predicted[from + argmax(probabilities, from, from + classes)] = 1
    else for (let c = 0; c < classes; c++) predicted[from + c] = probabilities[from + c] >= thresholdOf(row, c) ? 1 : 0
  }
  return predicted
}

/** @param {Targets} targets @param {number} n @returns {Uint8Array} [n, classes] */
function truthOf({ kind, classes, label, has }, n) {
  if (kind === 'many') return /** @type {Uint8Array} */ (has)
  const truth = new Uint8Array(n * classes)
  label?.forEach((c, row) => { truth[row * classes + c] = 1 })
  return truth
}

/**
 * Accuracy (of whole sets of labels, with many) and macro F1.
 *
 * @param {Float64Array} probabilities
 * @param {Targets} targets
 * @param {(row: number, c: number) => number} [thresholdOf] with many; default: 0.5
 */
export function figures(probabilities, targets, thresholdOf = () => 0.5) {
  const { classes } = targets
  const n = probabilities.length / classes
  const predicted = predictions(probabilities, targets, thresholdOf)
  const truth = truthOf(targets, n)
  let right = 0
  /** @type {number[][]} */
  const marked = []
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
  return {
    predicted,
    truth,
    accuracy: proportion(right, n),
    macroF1: bootstrap(n, (rows) => macroF1(truth, predicted, classes, marked, rows))
  }
}

/**
 * The examples whose own labels seemed least likely while they were held out, the least likely first.
 *
 * @param {Float64Array} probabilities
 * @param {Uint8Array} truth
 * @param {Targets} targets
 * @param {string[]} labels
 * @param {number[]} indices of the rows among the examples as they were given
 * @returns {TeachReport['suspects']}
 */
function suspects(probabilities, truth, { kind, classes }, labels, indices) {
  const n = indices.length
  const found = []
  for (let row = 0; row < n; row++) {
    const from = row * classes
    if (kind === 'one') {
      const own = argmax(truth, from, from + classes)
      const top = argmax(probabilities, from, from + classes)
      if (own !== top) found.push({ index: indices[row], label: labels[own], score: probabilities[from + own], suggested: labels[top] })
      continue
    }
    for (let c = 0; c < classes; c++) {
      const score = truth[from + c] === 1 ? probabilities[from + c] : 1 - probabilities[from + c]
      if (score < 0.5) found.push({ index: indices[row], label: labels[c], score, suggested: truth[from + c] === 1 ? null : labels[c] })
    }
  }
  found.sort((a, b) => a.score - b.score || a.index - b.index)
  return found.slice(0, Math.min(NAMED.most, Math.max(NAMED.least, Math.ceil(NAMED.share * n))))
}

/**
 * @param {Float64Array} probabilities held out, [n, classes]
 * @param {Targets} targets
 * @param {object} about
 * @param {string[]} about.labels
 * @param {number[]} about.indices of the rows among the examples as they were given
 * @param {(row: number, c: number) => number} about.thresholdOf with many
 * @returns {Pick<TeachReport, 'accuracy' | 'macroF1' | 'calibrationError' | 'confusion' | 'perLabel' | 'confident' | 'suspects'>}
 */
export function assess(probabilities, targets, { labels, indices, thresholdOf }) {
  const { kind, classes } = targets
  const n = indices.length
  const { predicted, truth, accuracy, macroF1 } = figures(probabilities, targets, thresholdOf)
  /** @type {number[]} */
  const confidences = []
  /** @type {boolean[]} */
  const right = []
  /** @type {number[][] | undefined} */
  const confusion = kind === 'one' ? labels.map(() => new Array(classes).fill(0)) : undefined
  for (let row = 0; row < n; row++) {
    const from = row * classes
    if (confusion !== undefined) {
      const own = argmax(truth, from, from + classes)
      const top = argmax(predicted, from, from + classes)
      confusion[own][top]++
      confidences.push(probabilities[from + top])
      right.push(own === top)
      continue
    }
    for (let c = 0; c < classes; c++) {
      const score = probabilities[from + c]
      confidences.push(Math.max(score, 1 - score))
      right.push((score >= 0.5) === (truth[from + c] === 1))
    }
  }
  const perLabel = labels.map((label, c) => {
    let [hits, found, there] = [0, 0, 0]
    for (let row = 0; row < n; row++) {
      const t = truth[row * classes + c]
      const p = predicted[row * classes + c]
      hits += t & p
      found += p
      there += t
    }
    return { label, examples: there, precision: found === 0 ? null : hits / found, recall: there === 0 ? null : hits / there, f1: f1(hits, found, there) }
  })
  return {
    accuracy,
    macroF1,
    calibrationError: calibrationError(confidences, right),
    ...(confusion === undefined ? {} : { confusion }),
    perLabel,
    confident: kind === 'one' ? confident(confidences, right) : null,
    suspects: suspects(probabilities, truth, targets, labels, indices)
  }
}
