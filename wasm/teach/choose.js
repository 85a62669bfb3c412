/**
 * Cross-validation: how strongly a head is held back, and the power of the words' IDF, by the log loss of documents that it was not
 * fitted on.
 */
import { log } from './arithmetic.js'
import { fitLogistic, scoresOf } from './logistic.js'
import { fitMix } from './mix.js'
import { compact } from './row-space.js'
import { tfidf, withPower } from './words.js'

/**
 * @typedef {import('./features.js').Features} Features
 * @typedef {import('./logistic.js').Targets} Targets
 * @typedef {import('./logistic.js').Linear} Linear
 *
 * @typedef {object} Choice
 * @property {number} strength
 * @property {Float64Array} scores held out, of all documents, [n, classes]
 * @property {number} loss mean log loss at the best temperature
 * @property {Linear[]} models of each fold
 */

/**
 * Strengths of the penalty, from strong to weak. Rows of both heads have length about 1, so they share them. The temperature is
 * fitted afterwards and makes up for most of what lies between two of them.
 */
const STRENGTHS = [10, 1, 0.1, 0.01]
/** With many documents, the strongest is never the best. */
const MANY = 2000

/** Powers of the IDF other than 1. The higher takes less time. */
const POWERS = /** @type {const} */ ([1.5, 0.5])
/** By how many nats another power has to lower the log loss of all documents together: less may be chance. */
const WORTH = 2

/** How exact fits are: choosing needs no more, and what is gained beyond is lost in the temperature. */
export const PRECISION = { tolerance: 1e-4, decrease: 1e-4 }

/**
 * How frequent each label is among documents, as the bias of a model of these documents has it.
 *
 * @param {Targets} targets
 * @param {Int32Array} rows
 * @returns {Float64Array} [classes], logarithms: of the share with one label a document, of the odds with many
 */
function frequencies({ kind, classes, label, has }, rows) {
  const count = new Float64Array(classes).fill(0.5)
  for (const row of rows) {
    if (kind === 'one') count[/** @type {Int32Array} */ (label)[row]]++
    else for (let c = 0; c < classes; c++) count[c] += /** @type {Uint8Array} */ (has)[row * classes + c]
  }
  return count.map((own) => log(own / (kind === 'one' ? rows.length : rows.length + 1 - own)))
}

/**
 * Each fit starts from the stronger one's. When a strength is worse than the one before it, weaker ones are not tried.
 *
 * @param {Features} features
 * @param {Targets} targets
 * @param {Uint8Array} fold of each document
 * @param {number} folds
 * @param {(share: number) => Promise<void>} step called often, with how much is done; throws to stop
 * @param {Pick<Choice, 'strength' | 'models'>} [like] the strength to try, and where to start, if anywhere
 * @returns {Promise<Choice>}
 */
export async function chooseStrength(features, targets, fold, folds, step, like) {
  const { classes } = targets
  const rows = Int32Array.from(fold, (_, i) => i)
  const parts = Array.from({ length: folds }, (_, held) => ({
    fitted: rows.filter((row) => fold[row] !== held),
    heldOut: rows.filter((row) => fold[row] === held)
  }))
  // What is rare among the fitted documents is frequent among those held out: of few documents, a model that knows nothing else would
  // be worse than chance. So a model's scores are moved to the frequencies of all documents.
  const frequent = frequencies(targets, rows)
  const shifts = parts.map(({ fitted }) => frequencies(targets, fitted).map((own, c) => frequent[c] - own))
  const strengths = like !== undefined ? [like.strength] : rows.length < MANY ? STRENGTHS : STRENGTHS.slice(1)
  /** @type {Choice | undefined} */
  let best
  for (const [index, strength] of strengths.entries()) {
    const scores = new Float64Array(rows.length * classes)
    /** @type {Linear[]} */
    const models = []
    for (const [held, { fitted, heldOut }] of parts.entries()) {
      const pause = () => step((index + held / folds) / strengths.length)
      const model = await fitLogistic(features, targets, fitted, { ...PRECISION, strength, start: (best ?? like)?.models[held], pause })
      models.push(model)
      const own = scoresOf(features, model, heldOut)
      for (let k = 0; k < own.length; k++) own[k] += shifts[held][k % classes]
      heldOut.forEach((row, i) => scores.set(own.subarray(i * classes, (i + 1) * classes), row * classes))
    }
    const { loss } = await fitMix([scores], targets, rows, () => step((index + 1) / strengths.length))
    if (best !== undefined && loss >= best.loss) break
    best = { strength, scores, loss, models }
  }
  return /** @type {Choice} */ (best)
}

/**
 * The word head's features. The IDF makes much of rare words, which tell what a document is about. How it is written shows in frequent
 * ones: for a level of reading its square root is better.
 *
 * Strengths are tried at power 1 alone: rows have length 1 at any. If another power is better at all, the one on the other side of 1 is
 * not tried: the loss has one minimum, as a rule.
 *
 * @param {import('./words.js').Counts} counts
 * @param {{ vocabulary: number, limit: number }} options as of `tfidf`
 * @param {Float64Array} encoder scores of the other head, held out, [n, classes]: it is the mix that has to be good
 * @param {Targets} targets
 * @param {Uint8Array} fold of each document
 * @param {number} folds
 * @param {(share: number) => Promise<void>} step called often, with how much is done; throws to stop
 */
export async function chooseWords(counts, options, encoder, targets, fold, folds, step) {
  const rows = Int32Array.from(fold, (_, i) => i)
  let tried = 0
  const attempt = async (/** @type {import('./words.js').Words} */ words, /** @type {number} */ power, /** @type {Choice | undefined} */ like = undefined) => {
    const progress = (/** @type {number} */ share) => step((tried + share) / (1 + POWERS.length))
    const compacted = compact(words.features, rows.length)
    // In the space of the rows, weights of one power mean nothing to another.
    const start = like && { ...like, models: compacted.features === words.features ? like.models : [] }
    const choice = await chooseStrength(compacted.features, targets, fold, folds, progress, start)
    const mix = await fitMix([encoder, choice.scores], targets, rows, () => progress(1))
    tried++
    return { ...choice, ...mix, words, power, compacted } // the loss is that of the mix
  }
  const usual = await attempt(tfidf(counts, options), 1)
  for (const power of POWERS) {
    const other = await attempt(withPower(usual.words, power), power, usual)
    const gain = rows.length * (usual.loss - other.loss)
    if (gain > WORTH) return other
    if (gain > 0) break
  }
  return usual
}
