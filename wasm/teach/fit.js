/**
 * From vectors, words and labels to a head: two logistic regressions, one on the vectors that `embed` gives and one on TF-IDF of the tokens,
 * become one linear head by a mix of their scores, and a report says what held-out documents made of it.
 *
 * Vectors are centred and divided by one number, not each dimension by its own: that would make as much of the dimensions that say
 * little. Measured on AG News with 8 examples a label, in vectors of 256 dimensions: 61.0% with a scale for each, 68.7% with one.
 */
import { chooseStrength, chooseWords, PRECISION } from './choose.js'
import { Dense } from './features.js'
import { dealFolds } from './folds.js'
import { fitLogistic } from './logistic.js'
import { fitMix, mix, toProbabilities } from './mix.js'
import { assess, figures, nearDuplicates, suspects } from './report.js'
import { compact } from './row-space.js'
import { chooseThresholds } from './thresholds.js'
import { fitTypicality } from './typicality.js'

/**
 * @typedef {import('./features.js').Features} Features
 * @typedef {import('./logistic.js').Targets} Targets
 * @typedef {import('./logistic.js').Linear} Linear
 * @typedef {import('./types.js').TeachReport} TeachReport
 *
 * Examples that have been read, in ascending order of their texts' hashes.
 * @typedef {object} Read
 * @property {Float32Array} vectors [n, width]; overwritten. Each half of a row has length 1: see `embed`
 * @property {number} width
 * @property {import('./words.js').Counts} counts
 * @property {number} vocabulary token ids are below it
 * @property {string[]} hashes at least four different ones
 * @property {Uint32Array[]} sketches of the texts: see near-duplicates.js
 * @property {number[]} indices of the rows among the examples as they were given
 * @property {Targets} targets
 * @property {string[]} labels
 *
 * @typedef {object} Head
 * @property {string[]} labels
 * @property {'one' | 'many'} kind
 * @property {number[] | undefined} thresholds
 * @property {Float64Array} weights [classes, width], of `embed`'s vector
 * @property {Float64Array} bias [classes]
 * @property {{ ids: Int32Array, idf: Float64Array, weights: Float64Array } | undefined} words weights are [ids, classes]
 * @property {import('./typicality.js').Typicality} typicality
 */

/** Most numbers in the word head: 4 MB in the file. */
const MOST_WORD_WEIGHTS = 2 ** 22
/** A label with fewer examples is named in the report. */
const FEW = 8

/** How much of the work each part is, for progress. */
const SHARES = { encoder: 0.4, words: 0.45, final: 0.15 }

/**
 * Centres the vectors and gives them a mean squared length of 1, in place.
 *
 * @param {Float32Array} x [n, width]
 * @param {number} width
 * @returns {{ centre: Float64Array, scale: number }} what they were: centre + scale x
 */
function normalise(x, width) {
  const n = x.length / width
  const centre = new Float64Array(width)
  for (let from = 0; from < x.length; from += width) for (let j = 0; j < width; j++) centre[j] += x[from + j]
  for (let j = 0; j < width; j++) centre[j] /= n
  let squares = 0
  for (let from = 0; from < x.length; from += width) {
    for (let j = 0; j < width; j++) {
      x[from + j] -= centre[j]
      squares += x[from + j] * x[from + j]
    }
  }
  const scale = squares > 0 ? Math.sqrt(squares / n) : 1
  for (let k = 0; k < x.length; k++) x[k] /= scale
  return { centre, scale }
}

/**
 * What typicality goes by: the first halves of the vectors, which are the directions of the trunk's outputs. It goes by a direction
 * because a mean over many tokens is shorter than one over few; that would tell long documents from short ones, and hide what they
 * are about.
 *
 * @param {Float32Array} x [n, width], as `normalise` left them
 * @param {number} width
 * @param {number} scale
 * @returns {Float32Array} [n, width / 2], centred
 */
function outputDirections(x, width, scale) {
  const half = width / 2
  return Float32Array.from({ length: x.length / 2 }, (_, k) => scale * x[Math.floor(k / half) * width + (k % half)])
}

/**
 * The label by which each document is dealt to folds: its own, or with many the rarest that it has.
 *
 * @param {Targets} targets
 * @param {number} n
 */
function dealtBy({ kind, classes, label, has }, n) {
  if (kind === 'one') return Array.from(/** @type {Int32Array} */ (label))
  const truth = /** @type {Uint8Array} */ (has)
  const times = new Float64Array(classes)
  truth.forEach((value, k) => { times[k % classes] += value })
  return Array.from({ length: n }, (_, row) => {
    let rarest = classes // those without any label
    for (let c = 0; c < classes; c++) {
      if (truth[row * classes + c] === 1 && (rarest === classes || times[c] < times[rarest])) rarest = c
    }
    return rarest
  })
}

/**
 * @param {Read} read
 * @param {(share: number) => Promise<void>} step called often, with how much is done; throws to stop
 * @returns {Promise<{ head: Head, report: Omit<TeachReport, 'sameText' | 'skipped' | 'bytes'> }>}
 */
export async function fit({ vectors, width, counts, vocabulary, hashes, sketches, indices, targets, labels }, step) {
  const { kind, classes } = targets
  const n = hashes.length
  const rows = Int32Array.from({ length: n }, (_, i) => i)
  const { centre, scale } = normalise(vectors, width)
  const { folds, fold, group } = dealFolds({ hashes, sketches, labels: dealtBy(targets, n) })

  const encoderFeatures = compact(new Dense(vectors, width), n)
  const encoder = await chooseStrength(encoderFeatures.features, targets, fold, folds, (share) => step(SHARES.encoder * share))
  const limit = Math.max(1, Math.floor(MOST_WORD_WEIGHTS / classes))
  const word = await chooseWords(counts, { vocabulary, limit }, encoder.scores, targets, fold, folds, (share) => step(SHARES.encoder + SHARES.words * share))
  const last = () => step(1 - SHARES.final)
  const { words, factors } = word
  const heldOut = [encoder.scores, word.scores]

  // What is reported of a fold comes from a mix, a temperature and thresholds that the other folds gave.
  const probabilities = new Float64Array(n * classes)
  /** @type {number[][]} */
  const thresholdsOf = []
  for (let held = 0; held < folds; held++) {
    const others = rows.filter((row) => fold[row] !== held)
    const cells = (/** @type {Float64Array} */ scores) => {
      const own = new Float64Array(others.length * classes)
      others.forEach((row, i) => own.set(scores.subarray(row * classes, (row + 1) * classes), i * classes))
      return own
    }
    const own = await fitMix(heldOut.map(cells), targets, others, last)
    const all = toProbabilities(mix(heldOut, own.factors), kind, classes)
    for (const row of rows) {
      if (fold[row] === held) probabilities.set(all.subarray(row * classes, (row + 1) * classes), row * classes)
    }
    if (kind === 'many') thresholdsOf[held] = chooseThresholds(all, /** @type {Uint8Array} */ (targets.has), classes, others)
  }
  let thresholds
  if (kind === 'many') {
    const all = toProbabilities(mix(heldOut, factors), kind, classes)
    thresholds = chooseThresholds(all, /** @type {Uint8Array} */ (targets.has), classes, rows)
  }

  const finish = async (/** @type {import('./row-space.js').Compact} */ { features, expand }, /** @type {number} */ strength) => {
    return expand(await fitLogistic(features, targets, rows, { ...PRECISION, strength, pause: last }))
  }
  const dense = await finish(encoderFeatures, encoder.strength)
  const sparse = factors[1] > 0 ? await finish(word.compacted, word.strength) : undefined
  const weights = dense.weights.map((weight) => (factors[0] * weight) / scale)
  const bias = dense.bias.map((own, c) => {
    let sum = factors[0] * own + factors[1] * (sparse?.bias[c] ?? 0)
    for (let j = 0; j < width; j++) sum -= weights[c * width + j] * centre[j]
    return sum
  })
  const tokens = Float64Array.from(rows, (row) => counts.tokensOf(row))
  const typicality = await fitTypicality(outputDirections(vectors, width, scale), width / 2, tokens, fold, folds, last)
  await step(1)

  const alone = (/** @type {Float64Array} */ scores) => {
    const { accuracy, macroF1 } = figures(toProbabilities(mix([scores], [1]), kind, classes), targets)
    return { accuracy, macroF1 }
  }
  const assessed = assess(probabilities, targets, labels, (row, c) => thresholdsOf[fold[row]][c])
  return {
    head: {
      labels,
      kind,
      thresholds,
      weights,
      bias,
      words: sparse === undefined ? undefined : { ids: words.ids, idf: words.idf, weights: sparse.weights.map((weight) => factors[1] * weight) },
      typicality: {
        mean: typicality.mean.map((value, j) => centre[j] + value),
        whitening: typicality.whitening,
        quantiles: typicality.quantiles,
        noise: typicality.noise
      }
    },
    report: {
      ...assessed,
      folds,
      suspects: suspects(probabilities, targets, labels, indices),
      nearDuplicates: nearDuplicates(group, hashes, targets, indices),
      alone: { words: alone(word.scores), encoder: alone(encoder.scores) },
      fewExamples: assessed.perLabel.filter(({ examples }) => examples < FEW).map(({ label, examples }) => ({ label, examples })),
      chosen: { encoder: { strength: encoder.strength, factor: factors[0] }, words: { strength: word.strength, factor: factors[1], power: word.power } }
    }
  }
}
