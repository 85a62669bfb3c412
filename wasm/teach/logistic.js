/**
 * Logistic regression with an L2 penalty: the labels' softmax (one label a document) or a sigmoid for each (many).
 *
 *   minimise  sum over documents of the log loss  +  strength / 2 sum of weights^2
 *
 * The biases are not penalised. It is scikit-learn's LogisticRegression with C = 1 / strength.
 */
import { exp, log, sigmoid, softplus } from './arithmetic.js'
import { minimise } from './lbfgs.js'

/**
 * @typedef {import('./features.js').Features} Features
 *
 * Which labels each document has.
 * @typedef {object} Targets
 * @property {'one' | 'many'} kind
 * @property {number} classes
 * @property {Int32Array} [label] [n] with one
 * @property {Uint8Array} [has] [n, classes], 0 or 1, with many
 *
 * @typedef {object} Linear
 * @property {Float64Array} weights laid out as the features say
 * @property {Float64Array} bias [classes]
 */

/**
 * The log loss of scores; each score becomes the derivative of the loss by it, probability less truth.
 *
 * @param {Float64Array} scores [rows, classes]
 * @param {Targets} targets
 * @param {Int32Array} rows
 * @returns {number} the sum over rows (and over labels, with many)
 */
export function lossAndResiduals(scores, { kind, classes, label, has }, rows) {
  let loss = 0
  if (kind === 'many') {
    const truths = /** @type {Uint8Array} */ (has)
    for (let i = 0; i < rows.length; i++) {
      for (let c = 0; c < classes; c++) {
        const score = scores[i * classes + c]
        const truth = truths[rows[i] * classes + c]
        loss += softplus(truth === 1 ? -score : score)
        scores[i * classes + c] = sigmoid(score) - truth
      }
    }
    return loss
  }
  const truths = /** @type {Int32Array} */ (label)
  for (let i = 0; i < rows.length; i++) {
    const from = i * classes
    const truth = from + truths[rows[i]]
    let top = -Infinity
    for (let c = from; c < from + classes; c++) if (scores[c] > top) top = scores[c]
    const own = scores[truth]
    let sum = 0
    for (let c = from; c < from + classes; c++) sum += scores[c] = exp(scores[c] - top)
    for (let c = from; c < from + classes; c++) scores[c] /= sum
    scores[truth] -= 1
    loss += log(sum) + top - own
  }
  return loss
}

/**
 * Scores of documents: bias and weighted features.
 *
 * @param {Features} features
 * @param {Linear} model
 * @param {Int32Array} rows
 * @returns {Float64Array} [rows, classes]
 */
export function scoresOf(features, { weights, bias }, rows) {
  const classes = bias.length
  const scores = new Float64Array(rows.length * classes)
  for (let i = 0; i < rows.length; i++) scores.set(bias, i * classes)
  features.multiply(scores, weights, classes, rows)
  return scores
}

/**
 * @param {Features} features
 * @param {Targets} targets
 * @param {Int32Array} rows the documents to fit
 * @param {object} options
 * @param {number} options.strength of the penalty
 * @param {number} options.tolerance largest entry of the gradient, as a share of the number of documents
 * @param {number} [options.decrease] ends when the value falls by a smaller share of itself
 * @param {Linear} [options.start] a model to start from; default: zeros
 * @param {() => Promise<void>} options.pause
 * @returns {Promise<Linear>}
 */
export async function fitLogistic(features, targets, rows, { strength, tolerance, decrease, start, pause }) {
  const { classes } = targets
  const size = features.width * classes
  const x = new Float64Array(size + classes)
  if (start !== undefined) {
    x.set(start.weights)
    x.set(start.bias, size)
  }
  const scores = new Float64Array(rows.length * classes)
  const curvature = (targets.kind === 'many' ? 0.25 : (1 - 1 / classes) / classes)
  const precondition = features.preconditioner(curvature, strength)
  const biasScale = curvature * rows.length
  await minimise((x, gradient) => {
    const weights = x.subarray(0, size)
    for (let i = 0; i < rows.length; i++) for (let c = 0; c < classes; c++) scores[i * classes + c] = x[size + c]
    features.multiply(scores, weights, classes, rows)
    let value = lossAndResiduals(scores, targets, rows)
    let squares = 0
    for (let j = 0; j < size; j++) {
      squares += weights[j] * weights[j]
      gradient[j] = strength * weights[j]
    }
    value += (strength / 2) * squares
    gradient.fill(0, size)
    features.multiplyTransposed(gradient, scores, classes, rows)
    for (let i = 0; i < rows.length; i++) for (let c = 0; c < classes; c++) gradient[size + c] += scores[i * classes + c]
    return value
  }, x, {
    tolerance: tolerance * rows.length,
    decrease,
    precondition: (direction) => {
      precondition(direction, classes)
      for (let c = 0; c < classes; c++) direction[size + c] /= biasScale
    },
    pause
  })
  return { weights: x.slice(0, size), bias: x.slice(size) }
}
