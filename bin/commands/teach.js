/**
 * linformer teach: examples to a head file.
 */
import { load } from 'linformer-wasm'
import { examplesOf } from '../examples.js'
import { inWords } from '../documents.js'
import { columnsOf, describeFigures, describeLabels, examplesHelp, examplesOptions } from '../figures.js'
import { modelMessage, modelPath } from '../models.js'
import { checkOutput, writeOutput } from '../output.js'
import { complain, percent, plain, ProgressBar, quoted, UsageError, wholeNumber, write } from '../terminal.js'

/** MiB. */
const MOST_MEMORY = 2 ** 20

/** The trunk that is taught when none is named. */
const DEFAULT_TRUNK = 'general'

export const teachOptions = /** @type {const} */ ({
  out: { type: 'string', short: 'o' },
  model: { type: 'string', short: 'm' },
  ...examplesOptions,
  name: { type: 'string' },
  license: { type: 'string' },
  complete: { type: 'boolean' },
  memory: { type: 'string' },
  json: { type: 'boolean' }
})

export const teachHelp = `Usage: linformer teach [options] EXAMPLES --out FILE

Learns labels of your own from EXAMPLES: a folder with a folder of documents for each label, or rows of CSV (commas,
semicolons or tabs, found by content) or JSONL with a text, perhaps a "textPair", and a label. Says how good it is, by
cross-validation.

  -o, --out FILE         the head file to write (.safetensors)
      --complete         write one file with the trunk in it, which loads without anything else
  -m, --model NAME|FILE  the trunk to teach: a trunk, or a model, whose head is left alone (default: ${DEFAULT_TRUNK})
${examplesHelp}      --name NAME        the model's name
      --license NAME     of the weights
      --memory MiB       most memory for the examples (default: 2048)
      --json             the report as JSON
`

/** Suspects that a person is told of. */
const SHOWN = 10
/** Of a label: fewer say little. */
const FEW = 8

/**
 * @param {string[]} labels
 * @returns {string[][]} those that look the same at a glance
 */
function lookAlikes(labels) {
  /** @type {Map<string, string[]>} */
  const groups = new Map()
  for (const label of labels) {
    const key = label.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ')
    groups.set(key, [...groups.get(key) ?? [], label])
  }
  return [...groups.values()].filter((group) => group.length > 1)
}

/**
 * @param {import('linformer-wasm').TeachReport} report
 * @param {string[]} ids of the examples
 * @param {string[]} given their labels, those of one example as one string
 */
function describe(report, ids, given) {
  const labels = report.perLabel.map(({ label }) => label)
  const lines = [
    `${report.examples} examples, ${labels.length} labels, held out in ${report.folds} parts:`,
    ...describeFigures(report),
    `  words alone    ${percent(report.alone.words.accuracy.value)} right`,
    ...describeLabels(report, labels)
  ]
  const few = report.fewExamples.map(({ label, examples }) => `${quoted(label)} (${examples})`)
  if (few.length > 0) lines.push(`fewer than ${FEW} examples, more would help: ${few.join(', ')}`)
  const near = report.nearDuplicates
  if (near.length > 0) {
    const [one, ...others] = near[0]
    const other = others.find((index) => given[index] !== given[one]) ?? others[0]
    lines.push(`${near.flat().length} examples are nearly the same text as one with another label, such as ${plain(ids[one])} and ${plain(ids[other])}`)
  }
  if (report.suspects.length > 0) lines.push('look at these first, their labels seem unlikely:')
  for (const { index, label, suggested } of report.suspects.slice(0, SHOWN)) {
    const instead = report.confusion !== undefined ? `, perhaps ${quoted(String(suggested))}` : suggested === null ? ' is perhaps wrong' : ' is perhaps missing'
    lines.push(`  ${plain(ids[index])}: ${quoted(label)}${instead}`)
  }
  return `${lines.join('\n')}\n`
}

/**
 * @param {import('./index.js').Values<typeof teachOptions>} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function teach(values, positionals) {
  if (positionals.length !== 1) throw new UsageError(`teach takes one EXAMPLES, not ${positionals.length}`)
  if (values.out === undefined) throw new UsageError('--out is missing: the file to write')
  const memory = wholeNumber(values.memory, 'memory', MOST_MEMORY)
  const columns = columnsOf(values)
  const bar = new ProgressBar()
  let status = 0
  /** @type {string[]} */
  const ids = []
  /** @type {string[]} */
  const given = []
  let read = 0
  /** @returns {AsyncGenerator<import('linformer-wasm').Example>} */
  async function* examples() {
    for await (const { id, share, text, textPair, notes = [], labels = [], many, error } of examplesOf(positionals[0], columns)) {
      if (text === undefined) {
        bar.clear()
        complain(`${id}: ${inWords(error).message}; it is left out`)
        status = 1
        continue
      }
      if (notes.length > 0) bar.clear()
      for (const note of notes) complain(`${id}: ${note}`)
      ids.push(id)
      given.push([...labels].sort().join('\n'))
      read = share
      yield { text, textPair, ...(many ? { labels } : { label: labels[0] }) }
    }
  }
  try {
    const source = modelPath(values.model ?? DEFAULT_TRUNK)
    checkOutput(values.out, source)
    const trunk = await load(source)
    bar.begin()
    let isFitting = false
    const { head, report } = await trunk.teach(examples(), {
      name: values.name, license: values.license, memoryBudget: memory === undefined ? undefined : memory * 2 ** 20,
      onProgress: ({ phase, done }) => {
        if (phase === 'examples') bar.showTimeLeft(`${done} documents read`, read)
        if (phase !== 'fit') return
        if (!isFitting) bar.begin()
        isFitting = true
        bar.showTimeLeft('learning', done)
      }
    })
    bar.clear()
    for (const { index, message } of report.skipped) complain(`${ids[index]}: ${message}; it is left out`)
    if (report.skipped.length > 0) status = 1
    for (const labels of lookAlikes(report.perLabel.map(({ label }) => label))) complain(`these labels differ only in case or spaces, and are taught as different ones: ${labels.map((label) => JSON.stringify(label)).join(', ')}`)
    for (const group of report.sameText) complain(`one text has different labels: ${group.map((index) => ids[index]).join('; ')}`)
    const file = values.complete ? await trunk.export(head) : head
    trunk.dispose()
    writeOutput(values.out, file)
    if (values.json) {
      const suspects = report.suspects.map((suspect) => ({ id: ids[suspect.index], ...suspect }))
      await write(`${JSON.stringify({ ...report, suspects, file: values.out, fileBytes: file.length }, null, 2)}\n`)
    } else {
      await write(`${describe(report, ids, given)}${plain(values.out)}: ${file.length.toLocaleString('en-US')} bytes\n`)
    }
    return status
  } catch (error) {
    bar.clear()
    if (!(error instanceof Error)) throw error
    complain(modelMessage(error))
    return 1
  }
}
