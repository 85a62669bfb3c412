/**
 * What `teach` and `evaluate` have in common: their options of examples, and figures in lines for people.
 */
import { percent, quoted, UsageError } from './terminal.js'

/** @typedef {import('linformer-wasm').Assessment} Assessment */

/** Between several labels in one field, where nothing else is said. */
const SEPARATOR = '|'

export const examplesOptions = /** @type {const} */ ({
  text: { type: 'string' },
  label: { type: 'string' },
  many: { type: 'boolean' },
  separator: { type: 'string' },
  encoding: { type: 'string' }
})

export const examplesHelp = `      --text NAME        column of the text (default: text)
      --label NAME       column of the label (default: label, or labels)
      --many             a document may have several labels, or none: in a field they stand with ${SEPARATOR} between them; a file
                         that lies in several folders has all of theirs. Lists of labels in JSONL need no --many
      --separator TEXT   with --many: what stands between the labels of a field (default: ${SEPARATOR})
      --encoding NAME    of text that is not UTF-8 and has no byte order mark: windows-1252, ...
`

/** @param {import('./commands/index.js').Values<typeof examplesOptions>} values of the command line @returns {import('./examples.js').Columns} */
export function columnsOf({ text, label, many, separator, encoding }) {
  if (separator !== undefined && !many) throw new UsageError('--separator goes with --many')
  return { text, label, encoding, ...(many ? { separator: separator ?? SEPARATOR } : {}) }
}

/** Labels that a document was taken for instead, in a line. */
const OTHERS = 3

/** @param {import('linformer-wasm').Estimate} estimate */
const withInterval = ({ value, low, high }) => `${percent(value)} (95% interval ${percent(low)} to ${percent(high)})`

/**
 * @param {Assessment} assessment
 * @returns {string[]} lines
 */
export function describeFigures({ accuracy, macroF1, microF1, meanAveragePrecision, calibrationError, confident, perLabel }) {
  const without = perLabel.filter(({ examples }) => examples === 0).length
  const lines = [
    `  ${microF1 === undefined ? 'right         ' : 'all labels right'} ${withInterval(accuracy)}`,
    `  macro F1       ${withInterval(macroF1)}${without === 0 ? '' : `, without the ${without === 1 ? 'label that has' : `${without} labels that have`} no examples`}`
  ]
  const [{ label, examples }] = [...perLabel].sort((a, b) => b.examples - a.examples)
  const guess = examples / perLabel.reduce((sum, each) => sum + each.examples, 0)
  const isChoice = perLabel.filter((each) => each.examples > 0).length > 1
  if (microF1 === undefined && isChoice && accuracy.low <= guess) {
    lines.push(`  ${accuracy.value <= guess ? 'no better' : 'perhaps no better'} than always saying ${quoted(label)}: ${percent(guess)} right`)
  }
  if (microF1 !== undefined) lines.push(`  micro F1       ${withInterval(microF1)}`)
  if (meanAveragePrecision !== undefined) lines.push(`  mean average precision ${percent(meanAveragePrecision)}`)
  lines.push(`  calibration    scores are ${percent(calibrationError)} off, on average`)
  if (confident !== null) lines.push(`  95% are right where the score is ${confident.threshold.toFixed(2)} or more: ${percent(confident.share)} of the documents`)
  return lines
}

/**
 * @param {Assessment} assessment
 * @param {readonly string[]} labels
 * @returns {string[]} a line for each label
 */
export function describeLabels({ confusion, perLabel }, labels) {
  return perLabel.map(({ label, examples, precision, recall, f1 }, c) => {
    const parts = [`${examples} example${examples === 1 ? '' : 's'}`]
    if (recall !== null) parts.push(`${percent(recall)} of them found`)
    if (precision !== null) parts.push(`right in ${percent(precision)} of its uses`)
    if (f1 !== null) parts.push(`F1 ${percent(f1)}`)
    const others = (confusion?.[c] ?? []).map((times, p) => ({ times, p })).filter(({ times, p }) => p !== c && times > 0)
    others.sort((a, b) => b.times - a.times)
    const taken = others.slice(0, OTHERS).map(({ times, p }) => `${times} taken for ${quoted(labels[p])}`).join(', ')
    return `  ${quoted(label)}: ${parts.join(', ')}${taken && `; ${taken}`}`
  })
}
