/**
 * linformer teach: examples to a head file.
 */
import { writeFile } from 'node:fs/promises'
import { load } from 'linformer-wasm'
import { examplesOf } from '../examples.js'
import { inWords } from '../documents.js'
import { modelMessage, modelPath } from '../models.js'
import { complain, percent, plain, ProgressBar, UsageError, write } from '../terminal.js'

/** The trunk that is taught when none is named. */
const DEFAULT_TRUNK = 'general'

export const teachOptions = {
  out: { type: 'string', short: 'o' },
  model: { type: 'string', short: 'm' },
  text: { type: 'string' },
  label: { type: 'string' },
  encoding: { type: 'string' },
  name: { type: 'string' },
  license: { type: 'string' },
  complete: { type: 'boolean' },
  json: { type: 'boolean' }
}

export const teachHelp = `Usage: linformer teach [options] EXAMPLES --out FILE

Learns labels of your own from EXAMPLES: a folder with a folder of documents for each label, or rows of CSV (commas,
semicolons or tabs, found by content) or JSONL with a text and a label. Says how good it is, by cross-validation.

  -o, --out FILE         the head file to write (.safetensors)
      --complete         write one file with the trunk in it, which loads without anything else
  -m, --model NAME|FILE  the trunk to teach: a trunk, or a model, whose head is left alone (default: ${DEFAULT_TRUNK})
      --text NAME        column of the text (default: text)
      --label NAME       column of the label (default: label)
      --encoding NAME    of text that is not UTF-8 and has no byte order mark: windows-1252, ...
      --name NAME        the model's name
      --license NAME     of the weights
      --json             the report as JSON
`

/** @param {import('linformer-wasm').Estimate} estimate */
const withInterval = ({ value, low, high }) => `${percent(value)} (95% interval ${percent(low)} to ${percent(high)})`

/** Suspects that a person is told of. */
const SHOWN = 10

/**
 * @param {import('linformer-wasm').TeachReport} report
 * @param {string[]} ids of the examples
 */
function describe(report, ids) {
  const lines = [
    `${report.examples} examples, ${report.perLabel.length} labels, held out in ${report.folds} parts:`,
    `  right         ${withInterval(report.accuracy)}`,
    `  macro F1      ${withInterval(report.macroF1)}`,
    `  words alone   ${percent(report.alone.words.accuracy.value)}`,
    `  calibration   scores are ${percent(report.calibrationError)} off, on average`
  ]
  if (report.confident !== null) lines.push(`  95% are right where the score is ${report.confident.threshold.toFixed(2)} or more: ${percent(report.confident.share)} of the documents`)
  for (const { label, examples, recall } of report.perLabel) {
    lines.push(`  ${plain(label)}: ${examples} examples${recall === null ? '' : `, ${percent(recall)} of them found`}${examples < 8 ? '; more would help' : ''}`)
  }
  if (report.suspects.length > 0) lines.push('look at these first, their labels seem unlikely:')
  for (const { index, label, suggested } of report.suspects.slice(0, SHOWN)) {
    lines.push(`  ${plain(ids[index])}: ${plain(label)}${suggested === null ? '' : `, perhaps ${plain(suggested)}`}`)
  }
  return `${lines.join('\n')}\n`
}

/**
 * @param {any} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function teach(values, positionals) {
  if (positionals.length !== 1) throw new UsageError(`teach takes one EXAMPLES, not ${positionals.length}`)
  if (values.out === undefined) throw new UsageError('--out is missing: the file to write')
  const columns = { text: values.text ?? 'text', label: values.label ?? 'label', encoding: values.encoding }
  const bar = new ProgressBar()
  let status = 0
  /** @type {string[]} */
  const ids = []
  /** @returns {AsyncGenerator<import('linformer-wasm').Example>} */
  async function* examples() {
    for await (const { id, text, label, error } of examplesOf(positionals[0], columns)) {
      if (text === undefined || label === undefined) {
        bar.clear()
        complain(`${id}: ${inWords(error).message}; it is left out`)
        status = 1
        continue
      }
      ids.push(id)
      yield { text, label }
    }
  }
  try {
    const trunk = await load(modelPath(values.model ?? DEFAULT_TRUNK))
    const { head, report } = await trunk.teach(examples(), {
      name: values.name, license: values.license,
      onProgress: ({ phase, done }) => {
        if (phase === 'examples') bar.show(`${done} documents read`, 0)
        if (phase === 'fit') bar.show('learning', done)
      }
    })
    bar.clear()
    for (const { index, message } of report.skipped) complain(`${ids[index]}: ${message}; it is left out`)
    for (const group of report.sameText) complain(`one text has different labels: ${group.map((index) => ids[index]).join('; ')}`)
    const file = values.complete ? await trunk.export(head) : head
    trunk.dispose()
    try {
      await writeFile(values.out, file)
    } catch (error) {
      throw new Error(`${values.out} cannot be written: ${inWords(error).message}`, { cause: error })
    }
    if (values.json) {
      const suspects = report.suspects.map((suspect) => ({ id: ids[suspect.index], ...suspect }))
      await write(`${JSON.stringify({ ...report, suspects, file: values.out, fileBytes: file.length }, null, 2)}\n`)
    } else {
      await write(`${describe(report, ids)}${plain(values.out)}: ${file.length.toLocaleString('en-US')} bytes\n`)
    }
    return status
  } catch (error) {
    bar.clear()
    if (!(error instanceof Error)) throw error
    complain(modelMessage(error))
    return 1
  }
}
