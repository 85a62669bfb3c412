/**
 * evaluate: a classifier on examples whose labels are known.
 */
import { asOptions, checkCallbacks } from '../classify/inputs.js'
import { abortable, LinformerError, show } from '../common/errors.js'
import { checkExample, iterate } from './examples.js'
import { assess } from './report.js'

/**
 * @typedef {import('../index.js').Classifier} Classifier
 * @typedef {import('../index.js').EvaluateOptions} EvaluateOptions
 * @typedef {import('../index.js').Evaluation} Evaluation
 * @typedef {import('../index.js').Result} Result
 * @typedef {import('../classify/inputs.js').Document} Document
 *
 * @typedef {object} Wrong a mistake, and what tells its passage
 * @property {import('../index.js').Mistake} mistake
 * @property {number} own probability of the truth, where it is least
 * @property {Document} document
 * @property {number} c the label that is most wrong
 */

/** Mistakes that are named if nothing else is said. */
const MISTAKES = 10
/** Labels that an error names. */
const LABELS_NAMED = 8
/** A document that fails with one of these is left out; anything else ends the whole. */
const OF_A_DOCUMENT = ['EMPTY_TEXT', 'NOT_FINITE', 'TEXT_TOO_LONG', 'BUDGET_TOO_SMALL']

/** @param {unknown} given @returns {EvaluateOptions} */
function checkOptions(given) {
  const options = asOptions(given)
  const { mistakes, overflow } = options
  if (mistakes !== undefined && !(Number.isSafeInteger(mistakes) && Number(mistakes) >= 0)) {
    throw new LinformerError('BAD_ARGUMENT', `mistakes is ${show(mistakes)}; it has to be a whole number from 0`)
  }
  if (overflow !== undefined && overflow !== 'window' && overflow !== 'truncate' && overflow !== 'error') {
    throw new LinformerError('BAD_ARGUMENT', `overflow is ${show(overflow)}; it can be 'window', 'truncate' or 'error'`)
  }
  checkCallbacks(options)
  return /** @type {EvaluateOptions} */ (options)
}

/**
 * Which of the classifier's labels a document has.
 *
 * @param {string[]} labels of the document
 * @param {Classifier} classifier
 * @param {Map<string, number>} numbers of the classifier's labels
 * @returns {Uint8Array} [classes]
 */
function truthOf(labels, { labelsKind }, numbers) {
  const truth = new Uint8Array(numbers.size)
  for (const label of labels) {
    const c = numbers.get(label)
    if (c === undefined) {
      const has = [...numbers.keys()].slice(0, LABELS_NAMED).map(show).join(', ')
      throw new LinformerError('BAD_ARGUMENT', `the classifier has no label ${show(label)}; it has ${has}${numbers.size > LABELS_NAMED ? ', ...' : ''}`, { label })
    }
    truth[c] = 1
  }
  if (labelsKind === 'one' && labels.length !== 1) {
    throw new LinformerError('BAD_ARGUMENT', `the document has ${labels.length} labels, and the classifier gives one`, { labels: labels.length })
  }
  return truth
}

/**
 * @param {Uint8Array} truth [classes]
 * @param {Float64Array} scores [classes]
 * @param {Result} result
 * @param {Classifier} classifier
 * @returns {{ predicted: string[], own: number, c: number } | undefined} undefined if all is right
 */
function wrongIn(truth, scores, result, { labels, thresholds }) {
  if (thresholds === undefined) {
    if (truth[labels.indexOf(result.label)] === 1) return undefined
    return { predicted: [result.label], own: scores[truth.indexOf(1)], c: labels.indexOf(result.label) }
  }
  let c = -1
  const chance = (/** @type {number} */ each) => truth[each] === 1 ? scores[each] : 1 - scores[each]
  scores.forEach((score, each) => {
    if ((score >= thresholds[each]) !== (truth[each] === 1) && (c === -1 || chance(each) < chance(c))) c = each
  })
  return c === -1 ? undefined : { predicted: (result.found ?? []).map(({ label }) => label), own: chance(c), c }
}

/**
 * The passage that contributed most to a mistake: for the label that was given, or against the one that was not.
 *
 * @param {Classifier} classifier
 * @param {Wrong} wrong
 * @param {EvaluateOptions} options
 * @returns {Promise<import('../index.js').Mistake>}
 */
async function withPassage(classifier, { mistake, document, c }, { signal, overflow }) {
  const { explanation } = await classifier.classify(document, { explain: 'passages', signal, overflow })
  const sign = mistake.predicted.includes(mistake.label) ? 1 : -1
  const share = (/** @type {import('../index.js').Passage} */ { contribution, contributions }) => sign * (classifier.labelsKind === 'one' ? contribution : contributions[c])
  const [best] = [...explanation?.passages ?? []].sort((a, b) => share(b) - share(a))
  if (best === undefined || share(best) <= 0) return mistake
  const { input, start, end, text } = best
  return { ...mistake, passage: { input, start, end, text } }
}

/**
 * @param {Classifier} classifier
 * @param {unknown} examples
 * @param {unknown} [given]
 * @returns {Promise<Evaluation>}
 */
export async function evaluate(classifier, examples, given = {}) {
  const options = checkOptions(given)
  const { signal, overflow, onProgress, mistakes: most = MISTAKES } = options
  if (!Array.isArray(classifier?.labels)) throw new LinformerError('BAD_ARGUMENT', `classifier is ${show(classifier)}; it has to come from load`)
  const { labelsKind: kind } = classifier
  const labels = [...classifier.labels]
  if (labels.length === 0) throw new LinformerError('BAD_ARGUMENT', 'this is a trunk without a head: attach one, or teach it')
  const numbers = new Map(labels.map((label, c) => [label, c]))
  /** @type {Float64Array[]} */
  const scored = []
  /** @type {Uint8Array[]} */
  const truths = []
  /** @type {Wrong[]} */
  let wrongs = []
  /** @type {Evaluation['skipped']} */
  const skipped = []
  await iterate(examples, signal, async (example, index, count) => {
    const { document, labels: own } = checkExample(example, index)
    try {
      const truth = truthOf(own, classifier, numbers)
      const result = await classifier.classify(document, { signal, overflow })
      const scores = new Float64Array(labels.length)
      for (const { label, score } of result.scores) scores[Number(numbers.get(label))] = score
      scored.push(scores)
      truths.push(truth)
      const wrong = wrongIn(truth, scores, result, classifier)
      if (wrong !== undefined) {
        const { predicted, own: chance, c } = wrong
        wrongs.push({ own: chance, c, document, mistake: { index, labels: own, predicted, label: labels[c], score: scores[c] } })
        // Texts of the worst alone are kept.
        if (wrongs.length > 2 * most) wrongs = worst(wrongs, most)
      }
    } catch (error) {
      const ofOne = error instanceof LinformerError && (OF_A_DOCUMENT.includes(error.code) || error.code === 'BAD_ARGUMENT')
      if (!ofOne) throw error
      skipped.push({ index, code: error.code, message: error.message })
    }
    onProgress?.({ phase: 'examples', done: index + 1, total: count })
  })
  const n = scored.length
  if (n === 0) {
    const why = skipped.length === 0 ? 'there are no examples' : `none of the examples (${skipped.length}) could be used; the first: ${skipped[0].message}`
    throw new LinformerError('BAD_ARGUMENT', why, { skipped: skipped.length })
  }
  const probabilities = new Float64Array(n * labels.length)
  scored.forEach((scores, row) => probabilities.set(scores, row * labels.length))
  const assessed = assess(probabilities, targetsOf(truths, kind, labels.length), labels, (_, c) => classifier.thresholds?.[c] ?? 0.5)
  const mistakes = []
  for (const wrong of worst(wrongs, most)) mistakes.push(await abortable(signal, () => withPassage(classifier, wrong, options)))
  return { ...assessed, mistakes, skipped }
}

/** @param {Wrong[]} wrongs @param {number} most */
const worst = (wrongs, most) => wrongs.sort((a, b) => a.own - b.own || a.mistake.index - b.mistake.index).slice(0, most)

/** @param {Uint8Array[]} truths @param {'one' | 'many'} kind @param {number} classes @returns {import('./logistic.js').Targets} */
function targetsOf(truths, kind, classes) {
  if (kind === 'one') return { kind, classes, label: Int32Array.from(truths, (truth) => truth.indexOf(1)) }
  const has = new Uint8Array(truths.length * classes)
  truths.forEach((truth, row) => has.set(truth, row * classes))
  return { kind, classes, has }
}
