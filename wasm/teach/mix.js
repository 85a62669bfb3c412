/**
 * How two heads become one: the scores of each are multiplied by a factor of its own, and added. The ratio of the factors is the
 * mix and their size the temperature. Both come from the log loss of held-out scores, which is convex in the factors, and from what is
 * known beforehand: a head as it was fitted has a factor of about 1. A few dozen documents say little about factors; by chance they may
 * even find none better than 0.
 */
import { exp, log, sigmoid, softplus } from './arithmetic.js'
import { minimise } from './lbfgs.js'

/** @typedef {import('./logistic.js').Targets} Targets */

/**
 * @param {Float64Array[]} scores of each head, [rows, classes]
 * @param {number[] | Float64Array} factors of each head
 * @returns {Float64Array}
 */
export function mix(scores, factors) {
  const mixed = new Float64Array(scores[0].length)
  scores.forEach((own, h) => {
    for (let k = 0; k < mixed.length; k++) mixed[k] += factors[h] * own[k]
  })
  return mixed
}

/** How far factors lie from 1 beforehand: their standard deviation. */
const SPREAD = 1

/**
 * Scores to probabilities, in place: softmax of each row with one label a document, else sigmoids.
 *
 * @param {Float64Array} scores [rows, classes]
 * @param {'one' | 'many'} kind
 * @param {number} classes
 * @returns {Float64Array} the same
 */
export function toProbabilities(scores, kind, classes) {
  if (kind === 'many') return scores.forEach((score, k) => { scores[k] = sigmoid(score) }), scores
  for (let from = 0; from < scores.length; from += classes) {
    let top = -Infinity
    for (let c = from; c < from + classes; c++) if (scores[c] > top) top = scores[c]
    let sum = 0
    for (let c = from; c < from + classes; c++) sum += scores[c] = exp(scores[c] - top)
    for (let c = from; c < from + classes; c++) scores[c] /= sum
  }
  return scores
}

/**
 * Documents that are all right would want infinite factors. So the truth is smoothed as Platt did for his sigmoids: n successes
 * in n tries say (n + 1) / (n + classes) of the next, not 1.
 *
 * @param {Targets} targets
 * @param {Int32Array} rows
 * @returns {Float64Array} [rows, classes]
 */
function smoothedTruth({ kind, classes, label, has }, rows) {
  const n = rows.length
  const outcomes = kind === 'many' ? 2 : classes
  const truth = new Float64Array(n * classes)
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < classes; c++) {
      const holds = kind === 'many' ? has?.[rows[i] * classes + c] === 1 : label?.[rows[i]] === c
      truth[i * classes + c] = (holds ? n + 1 : 1) / (n + outcomes)
    }
  }
  return truth
}

/**
 * The mean log loss of mixed scores against a smoothed truth.
 *
 * @param {Float64Array} mixed [rows, classes]; becomes probability less truth
 * @param {Float64Array} truth
 * @param {'one' | 'many'} kind
 * @param {number} classes
 * @returns {number} the sum over rows
 */
function smoothedLoss(mixed, truth, kind, classes) {
  let loss = 0
  if (kind === 'many') {
    for (let k = 0; k < mixed.length; k++) {
      loss += softplus(mixed[k]) - truth[k] * mixed[k]
      mixed[k] = sigmoid(mixed[k]) - truth[k]
    }
    return loss
  }
  for (let from = 0; from < mixed.length; from += classes) {
    let top = -Infinity
    for (let c = from; c < from + classes; c++) if (mixed[c] > top) top = mixed[c]
    let sum = 0
    for (let c = from; c < from + classes; c++) {
      loss -= truth[c] * (mixed[c] - top)
      sum += mixed[c] = exp(mixed[c] - top)
    }
    loss += log(sum)
    for (let c = from; c < from + classes; c++) mixed[c] = mixed[c] / sum - truth[c]
  }
  return loss
}

/**
 * @param {Float64Array[]} scores of each head, held out, [rows, classes]
 * @param {Targets} targets
 * @param {Int32Array} rows
 * @param {() => Promise<void>} pause
 * @returns {Promise<{ factors: number[], loss: number }>} the factors, none below 0, and the mean loss with them
 */
export async function fitMix(scores, targets, rows, pause) {
  const { kind, classes } = targets
  const truth = smoothedTruth(targets, rows)
  /** @param {number[]} heads */
  const fit = async (heads) => {
    const own = heads.map((h) => scores[h])
    const x = new Float64Array(heads.length).fill(1 / heads.length)
    const { value } = await minimise((x, gradient) => {
      const mixed = mix(own, x)
      const loss = smoothedLoss(mixed, truth, kind, classes)
      let unlikely = 0
      own.forEach((scores, h) => {
        const apart = (x[h] - 1) / SPREAD
        unlikely += (apart * apart) / 2
        let sum = apart / SPREAD
        for (let k = 0; k < mixed.length; k++) sum += mixed[k] * scores[k]
        gradient[h] = sum / rows.length
      })
      return (loss + unlikely) / rows.length
    }, x, { tolerance: 1e-5, iterations: 50, pause })
    const factors = scores.map(() => 0)
    heads.forEach((h, i) => { factors[h] = x[i] })
    return { factors, loss: value }
  }
  const all = await fit(scores.map((_, h) => h))
  if (all.factors.every((factor) => factor >= 0)) return all
  // The loss is convex: with a factor that wants to be negative, the best is where one of them is 0.
  const alone = await Promise.all(scores.map((_, h) => fit([h])))
  const best = alone.reduce((a, b) => b.loss < a.loss ? b : a)
  return { ...best, factors: best.factors.map((factor) => Math.max(0, factor)) }
}
