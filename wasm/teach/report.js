/**
 * How good a classifier is, from its probabilities of documents that it was not fitted on, and from nothing else.
 */
import { averagePrecision, calibrationError, compare, confident } from './measures.js'

/**
 * @typedef {import('./logistic.js').Targets} Targets
 * @typedef {import('./types.js').Assessment} Assessment
 * @typedef {import('./types.js').TeachReport} TeachReport
 */

/** Of the examples, how many are named as perhaps mislabelled: this share, and so many at least and at most. */
const NAMED = { share: 0.1, least: 20, most: 1000 }

/** @param {ArrayLike<number>} values @param {number} from @param {number} to @returns {number} the first of the largest */
function argmax(values, from, to) {
  let best = from
  for (let c = from + 1; c < to; c++) if (values[c] > values[best]) best = c
  return best - from
}

/**
 * @param {Float64Array} probabilities [n, classes]
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
 * Accuracy (of whole sets of labels, with many) and F1.
 *
 * @param {Float64Array} probabilities [n, classes]
 * @param {Targets} targets
 * @param {(row: number, c: number) => number} [thresholdOf] with many; default: 0.5
 */
export function figures(probabilities, targets, thresholdOf = () => 0.5) {
  const { classes } = targets
  const predicted = predictions(probabilities, targets, thresholdOf)
  const truth = truthOf(targets, probabilities.length / classes)
  return { predicted, truth, ...compare(truth, predicted, classes) }
}

/**
 * @param {Float64Array} probabilities [n, classes]
 * @param {Targets} targets
 * @param {string[]} labels
 * @param {(row: number, c: number) => number} [thresholdOf] with many
 * @returns {Assessment}
 */
export function assess(probabilities, targets, labels, thresholdOf) {
  const { kind, classes } = targets
  const n = probabilities.length / classes
  const { predicted, truth, accuracy, macroF1, microF1, perLabel } = figures(probabilities, targets, thresholdOf)
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
  const common = {
    examples: n,
    accuracy,
    macroF1,
    calibrationError: calibrationError(confidences, right)
  }
  if (confusion !== undefined) {
    return { ...common, confusion, perLabel: perLabel.map((each, c) => ({ label: labels[c], ...each })), confident: confident(confidences, right) }
  }
  const precisions = labels.map((_, c) => {
    const column = (/** @type {Float64Array | Uint8Array} */ values) => Array.from({ length: n }, (_, row) => values[row * classes + c])
    return averagePrecision(column(probabilities), column(truth).map((value) => value === 1))
  })
  const there = precisions.filter((precision) => precision !== null)
  return {
    ...common,
    microF1,
    meanAveragePrecision: there.length === 0 ? 0 : there.reduce((a, b) => a + b, 0) / there.length,
    perLabel: perLabel.map((each, c) => ({ label: labels[c], ...each, averagePrecision: precisions[c] })),
    confident: null
  }
}

/**
 * Groups of examples that are versions of one text, and have different labels.
 *
 * @param {Int32Array} group of each row: the same for versions of a text
 * @param {string[]} hashes of the rows' texts
 * @param {Targets} targets
 * @param {number[]} indices of the rows among the examples as they were given
 * @returns {number[][]} ascending
 */
export function nearDuplicates(group, hashes, targets, indices) {
  const { classes } = targets
  const truth = truthOf(targets, indices.length)
  /** @type {Map<number, { indices: number[], texts: Set<string>, labels: Set<string> }>} */
  const groups = new Map()
  indices.forEach((index, row) => {
    const own = groups.get(group[row]) ?? { indices: [], texts: new Set(), labels: new Set() }
    own.indices.push(index)
    own.texts.add(hashes[row])
    own.labels.add(truth.subarray(row * classes, (row + 1) * classes).join())
    groups.set(group[row], own)
  })
  const contradicting = [...groups.values()].filter(({ texts, labels }) => texts.size > 1 && labels.size > 1)
  return contradicting.map((own) => own.indices.sort((a, b) => a - b)).sort((a, b) => a[0] - b[0])
}

/**
 * The examples whose own labels seemed least likely while they were held out, the least likely first.
 *
 * @param {Float64Array} probabilities [n, classes]
 * @param {Targets} targets
 * @param {string[]} labels
 * @param {number[]} indices of the rows among the examples as they were given
 * @returns {TeachReport['suspects']}
 */
export function suspects(probabilities, targets, labels, indices) {
  const { kind, classes } = targets
  const n = indices.length
  const truth = truthOf(targets, n)
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
