/**
 * The word head's features: TF-IDF, with the power of the IDF that suits the labels.
 *
 * The IDF makes much of rare words, which tell what a document is about. How it is written shows in frequent words: for labels such as a
 * level of reading, the square root of the IDF is better.
 */
import { chooseStrength } from './choose.js'
import { fitMix } from './mix.js'
import { compact } from './row-space.js'
import { tfidf, withPower } from './words.js'

/** Other powers than 1. The higher takes less time. */
const OTHERS = /** @type {const} */ ([1.5, 0.5])
/** By how much another power has to lower the log loss of all documents together, in nats. Less may be chance. */
const WORTH = 2
/** How much of the work power 1 is, for progress. */
const SHARE = 0.6

/**
 * @typedef {object} Attempt
 * @property {number} power
 * @property {import('./words.js').Words} words
 * @property {import('./row-space.js').Compact} compacted their features, to fit
 * @property {import('./choose.js').Choice} choice
 * @property {number[]} factors of the encoder and of the words
 * @property {number} loss of the mix, held out, a document
 */

/**
 * Strengths are tried at power 1 alone: rows have length 1 at any power, so what suits one suits the others. If one of the other powers
 * is better than 1, however little, the one on the other side is not tried: the loss has one minimum, as a rule.
 *
 * @param {import('./words.js').Counts} counts
 * @param {{ vocabulary: number, limit: number }} options as of `tfidf`
 * @param {Float64Array} encoder scores of the other head, held out, [n, classes]: what counts is how good the mix is
 * @param {import('./logistic.js').Targets} targets
 * @param {Uint8Array} fold of each document
 * @param {number} folds
 * @param {(share: number) => Promise<void>} step called often, with how much is done; throws to stop
 * @returns {Promise<Attempt>}
 */
export async function chooseWords(counts, options, encoder, targets, fold, folds, step) {
  const n = fold.length
  const rows = Int32Array.from(fold, (_, i) => i)
  /** @type {(words: import('./words.js').Words, power: number, from: number, to: number, like?: import('./choose.js').Choice) => Promise<Attempt>} */
  const attempt = async (words, power, from, to, like) => {
    const compacted = compact(words.features, n)
    const choice = await chooseStrength(compacted.features, targets, fold, folds, (share) => step(from + (to - from) * share), like)
    return { words, power, compacted, choice, ...await fitMix([encoder, choice.scores], targets, rows, () => step(to)) }
  }
  const usual = await attempt(tfidf(counts, options), 1, 0, SHARE)
  for (const [i, power] of OTHERS.entries()) {
    const share = (1 - SHARE) / OTHERS.length
    const other = await attempt(withPower(usual.words, power), power, SHARE + share * i, SHARE + share * (i + 1), usual.choice)
    const gain = n * (usual.loss - other.loss)
    if (gain > WORTH) return other
    if (gain > 0) break
  }
  return usual
}
