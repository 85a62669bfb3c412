/**
 * linformer evaluate: how good a model is on examples that it has not seen.
 */
import { inWords } from '../documents.js'
import { examplesOf } from '../examples.js'
import { modelMessage, openModel } from '../models.js'
import { complain, percent, plain, ProgressBar, UsageError, write } from '../terminal.js'

export const evaluateOptions = {
  model: { type: 'string', short: 'm' },
  trunk: { type: 'string' },
  text: { type: 'string' },
  label: { type: 'string' },
  encoding: { type: 'string' },
  'at-least': { type: 'string' },
  json: { type: 'boolean' }
}

export const evaluateHelp = `Usage: linformer evaluate [options] --model MODEL EXAMPLES

Classifies EXAMPLES, as 'linformer teach' takes them, and compares with their labels: share of right ones, F1 of each
label, confusion, calibration, and the worst mistakes with the passage that spoke most for them.

  -m, --model NAME|FILE  a model or a head file
      --trunk NAME|FILE  of a head file: the model it was taught on (default: the shipped one that it names)
      --text NAME        column of the text (default: text)
      --label NAME       column of the label (default: label)
      --encoding NAME    of text that is not UTF-8 and has no byte order mark
      --at-least SHARE   exit status 1 if fewer are right, such as 0.9
      --json             one JSON value
`

/** Mistakes that are shown. */
const SHOWN = 10
const BINS = 10

/** @typedef {{ id: string, label: string, predicted: string, score: number, own: number, text: string }} Answer */

/** A share and its 95% interval (Wilson). @param {number} right @param {number} n */
function interval(right, n) {
  const z = 1.96
  const p = right / n
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))
  const middle = p + (z * z) / (2 * n)
  const by = 1 + (z * z) / n
  return { value: p, low: Math.max(0, (middle - half) / by), high: Math.min(1, (middle + half) / by) }
}

/** @param {Answer[]} answers @param {string[]} labels */
function figures(answers, labels) {
  const right = answers.filter(({ label, predicted }) => label === predicted).length
  const rowOf = new Map(labels.map((label, c) => [label, c]))
  const confusion = labels.map(() => labels.map(() => 0))
  for (const { label, predicted } of answers) confusion[Number(rowOf.get(label))][Number(rowOf.get(predicted))]++
  const perLabel = labels.map((label, c) => {
    const hits = confusion[c][c]
    const there = confusion[c].reduce((a, b) => a + b, 0)
    const found = confusion.reduce((sum, row) => sum + row[c], 0)
    return { label, examples: there, precision: found === 0 ? null : hits / found, recall: there === 0 ? null : hits / there, f1: there + found === 0 ? null : (2 * hits) / (there + found) }
  })
  const present = perLabel.flatMap(({ f1 }) => f1 === null ? [] : [f1])
  let calibrationError = 0
  for (let bin = 0; bin < BINS; bin++) {
    const own = answers.filter(({ score }) => Math.min(BINS - 1, Math.floor(score * BINS)) === bin)
    const hits = own.filter(({ label, predicted }) => label === predicted).length
    calibrationError += Math.abs(own.reduce((sum, { score }) => sum + score, 0) - hits) / answers.length
  }
  return { examples: answers.length, accuracy: interval(right, answers.length), macroF1: present.reduce((a, b) => a + b, 0) / present.length, calibrationError, labels, confusion, perLabel }
}

/**
 * @param {any} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function evaluate(values, positionals) {
  if (positionals.length !== 1) throw new UsageError(`evaluate takes one EXAMPLES, not ${positionals.length}`)
  if (values.model === undefined) throw new UsageError('--model is missing')
  const least = values['at-least'] === undefined ? undefined : Number(values['at-least'])
  if (least !== undefined && !(least >= 0 && least <= 1)) throw new UsageError(`--at-least is ${JSON.stringify(values['at-least'])}; it has to be a share from 0 to 1`)
  const columns = { text: values.text ?? 'text', label: values.label ?? 'label', encoding: values.encoding }
  const bar = new ProgressBar()
  let status = 0
  /** @type {Answer[]} */
  const answers = []
  try {
    const classifier = await openModel(values.model, {}, values.trunk)
    if (classifier.labelsKind === 'many') throw new Error('evaluate compares one label a document, and this model may find many')
    for await (const { id, text, label, error } of examplesOf(positionals[0], columns)) {
      try {
        if (text === undefined || label === undefined) throw error
        if (!classifier.labels.includes(label)) throw new Error(`the model has no label ${JSON.stringify(label)}`)
        const { label: predicted, score, scores } = await classifier.classify(text)
        answers.push({ id, label, predicted, score, own: scores.find((each) => each.label === label)?.score ?? 0, text })
        bar.show(`${answers.length} documents read`, 0)
      } catch (failure) {
        bar.clear()
        complain(`${id}: ${inWords(failure).message}; it is left out`)
        status = 1
      }
    }
    bar.clear()
    if (answers.length === 0) throw new Error(`${positionals[0]} has no example that could be read`)
    const measured = figures(answers, [...classifier.labels])
    const mistakes = []
    const wrong = answers.filter(({ label, predicted }) => label !== predicted).sort((a, b) => a.own - b.own).slice(0, SHOWN)
    for (const { id, label, predicted, score, text } of wrong) {
      const { explanation } = await classifier.classify(text, { explain: 'passages' })
      mistakes.push({ id, label, predicted, score, passage: explanation?.passages[0]?.text.replace(/\s+/g, ' ').trim() ?? '' })
    }
    if (values.json) await write(`${JSON.stringify({ ...measured, mistakes }, null, 2)}\n`)
    else await write(describe(measured, mistakes))
    if (least !== undefined && measured.accuracy.value < least) {
      complain(`${percent(measured.accuracy.value)} are right; --at-least asks for ${percent(least)}`)
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

/** @param {ReturnType<typeof figures>} measured @param {{ id: string, label: string, predicted: string, score: number, passage: string }[]} mistakes */
function describe({ examples, accuracy, macroF1, calibrationError, perLabel, labels, confusion }, mistakes) {
  const lines = [
    `${examples} examples`,
    `  right         ${percent(accuracy.value)} (95% interval ${percent(accuracy.low)} to ${percent(accuracy.high)})`,
    `  macro F1      ${percent(macroF1)}`,
    `  calibration   scores are ${percent(calibrationError)} off, on average`
  ]
  for (const [c, { label, examples, f1 }] of perLabel.entries()) {
    const others = confusion[c].map((times, p) => ({ times, p })).filter(({ times, p }) => p !== c && times > 0).sort((a, b) => b.times - a.times).slice(0, 3)
    const taken = others.map(({ times, p }) => `${times} taken for ${plain(labels[p])}`).join(', ')
    lines.push(`  ${plain(label)}: ${examples} examples${f1 === null ? '' : `, F1 ${percent(f1)}`}${taken && `; ${taken}`}`)
  }
  if (mistakes.length > 0) lines.push('worst mistakes:')
  for (const { id, label, predicted, score, passage } of mistakes) {
    lines.push(`  ${plain(id)}: ${plain(label)}, taken for ${plain(predicted)} (${percent(score)})`, `    ${plain(passage.slice(0, 200))}`)
  }
  return `${lines.join('\n')}\n`
}
