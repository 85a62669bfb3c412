/**
 * linformer evaluate: how good a model is on examples that it has not seen.
 */
import { evaluate as measure } from 'linformer-wasm'
import { inWords } from '../documents.js'
import { examplesOf } from '../examples.js'
import { columnsOf, describeFigures, describeLabels, examplesHelp, examplesOptions } from '../figures.js'
import { modelMessage, openModel } from '../models.js'
import { complain, percent, plain, ProgressBar, quoted, UsageError, write } from '../terminal.js'

export const evaluateOptions = /** @type {const} */ ({
  model: { type: 'string', short: 'm' },
  trunk: { type: 'string' },
  ...examplesOptions,
  'at-least': { type: 'string' },
  json: { type: 'boolean' }
})

export const evaluateHelp = `Usage: linformer evaluate [options] --model MODEL EXAMPLES

Classifies EXAMPLES, as 'linformer teach' takes them, and compares with their labels: share of right ones, F1 of each
label, confusion, calibration, and the worst mistakes with the passage that spoke most for them. Of a model that may
find many labels also micro F1 and mean average precision.

  -m, --model NAME|FILE  a model or a head file
      --trunk NAME|FILE  of a head file: the model it was taught on (default: the shipped one that it names)
${examplesHelp}      --at-least SHARE   exit status 1 if fewer are right, such as 0.9
      --json             one JSON value
`

/** Of the passage of a mistake, the characters that a person is shown. */
const SHOWN = 200

/**
 * @param {import('./index.js').Values<typeof evaluateOptions>} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function evaluate(values, positionals) {
  if (positionals.length !== 1) throw new UsageError(`evaluate takes one EXAMPLES, not ${positionals.length}`)
  if (values.model === undefined) throw new UsageError('--model is missing')
  const least = values['at-least'] === undefined ? undefined : /^[\d.]+$/.test(values['at-least']) ? Number(values['at-least']) : NaN
  if (least !== undefined && !(least >= 0 && least <= 1)) throw new UsageError(`--at-least is ${JSON.stringify(values['at-least'])}; it has to be a share from 0 to 1`)
  columnsOf(values) // bad ones are told before the model is loaded
  const bar = new ProgressBar()
  let status = 0
  /** @param {string} id @param {string} message */
  const leaveOut = (id, message) => {
    bar.clear()
    complain(`${id}: ${message}; it is left out`)
    status = 1
  }
  /** @type {string[]} */
  const ids = []
  let read = 0
  /** @param {import('../examples.js').Columns} columns @returns {AsyncGenerator<import('linformer-wasm').Example>} */
  async function* examples(columns) {
    for await (const { id, share, text, textPair, notes = [], labels = [], error } of examplesOf(positionals[0], columns)) {
      if (text === undefined) {
        leaveOut(id, inWords(error).message)
        continue
      }
      if (notes.length > 0) bar.clear()
      for (const note of notes) complain(`${id}: ${note}`)
      ids.push(id)
      read = share
      yield { text, textPair, labels }
    }
  }
  try {
    const classifier = await openModel(values.model, {}, { trunk: values.trunk })
    bar.begin()
    const columns = columnsOf({ ...values, many: values.many || classifier.labelsKind === 'many' })
    const evaluation = await measure(classifier, examples(columns), {
      onProgress: ({ done }) => bar.showTimeLeft(`${done} documents read`, read)
    })
    bar.clear()
    for (const { index, message } of evaluation.skipped) leaveOut(ids[index], message)
    const mistakes = evaluation.mistakes.map(({ index, ...mistake }) => ({ id: ids[index], ...mistake }))
    if (values.json) await write(`${JSON.stringify({ ...evaluation, labels: classifier.labels, mistakes }, null, 2)}\n`)
    else await write(describe(evaluation, classifier.labels, mistakes))
    classifier.dispose()
    if (least !== undefined && evaluation.accuracy.value < least) {
      const [right, asked] = [evaluation.accuracy.value, least]
      const told = percent(right) === percent(asked) ? exact : percent
      complain(`${told(right)} are right; --at-least asks for ${told(asked)}`)
      status = 1
    }
    return status
  } catch (error) {
    bar.clear()
    if (!(error instanceof Error)) throw error
    complain(modelMessage(error))
    return 1
  }
}

/** A share with as many digits as tell it from one that is nearly the same. @param {number} share */
const exact = (share) => `${Number((100 * share).toFixed(4))}%`

/**
 * @param {import('linformer-wasm').Evaluation} evaluation
 * @param {readonly string[]} labels
 * @param {(Omit<import('linformer-wasm').Mistake, 'index'> & { id: string })[]} mistakes
 */
function describe(evaluation, labels, mistakes) {
  const lines = [`${evaluation.examples} example${evaluation.examples === 1 ? '' : 's'}`, ...describeFigures(evaluation), ...describeLabels(evaluation, labels)]
  if (mistakes.length > 0) lines.push('worst mistakes:')
  for (const { id, labels: own, predicted, label, score, passage } of mistakes) {
    const what = evaluation.confusion !== undefined
      ? `${quoted(own[0])}, taken for ${quoted(label)} (${percent(score)})`
      : `${quoted(label)} was ${predicted.includes(label) ? 'given' : 'missed'} (${percent(score)})`
    lines.push(`  ${plain(id)}: ${what}`)
    if (passage !== undefined) lines.push(`    ${plain(passage.text.replace(/\s+/g, ' ').trim().slice(0, SHOWN))}`)
  }
  return `${lines.join('\n')}\n`
}
