/**
 * Reads documents and tables of them, so that a large or hostile one does not hold up the page.
 *
 * It comes to the page as tools/bundles.js makes it, reader/document-worker.js: with the libraries, one file a format.
 */
import { isBad, rowsOfCsv, tableText } from '../../bin/rows.js'
import { readDocument } from '../../documents/index.js'
import { serve } from './serve.js'

/**
 * @typedef {object} TableRow
 * @property {number} line of the file, from 1
 * @property {string} [text]
 * @property {string} [label] empty if it has none
 * @property {string} [problem] why there is no text
 */

/** Rows that are sent at a time. */
const BATCH = 200
/** Names that people give to the column of the texts, and to that of the labels: the first that is there counts. */
const TEXT_NAMES = ['text', 'texts', 'document', 'body', 'content', 'message', 'review', 'comment', 'description', 'abstract', 'sentence', 'tweet', 'question']
const LABEL_NAMES = ['label', 'labels', 'class', 'category', 'topic', 'subject', 'sentiment', 'tag', 'target', 'intent']

const WORDS_OF_TEXT = 4 // from which the first line of a table with one column is a text, not its name

/** @param {readonly string[]} header @param {readonly string[]} wanted */
function columnOf(header, wanted) {
  const names = header.map((name) => name.trim().toLowerCase())
  return wanted.map((name) => names.indexOf(name)).find((at) => at >= 0)
}

/** @param {readonly string[]} header */
const named = (header) => header.map((name) => `“${name}”`).join(', ')

/**
 * @param {import('../../bin/rows.js').TableText} table
 * @param {boolean} lines whether it is JSONL
 * @returns {Generator<TableRow>}
 */
function* rowsOf(table, lines) {
  if (lines) {
    yield* rowsOfLines(table)
    return
  }
  const { header, rows } = rowsOfCsv(table)
  const textAt = columnOf(header, TEXT_NAMES) ?? (header.length === 1 ? 0 : undefined)
  if (textAt === undefined) throw new Error(`it has no column “text”; its first line names the columns ${named(header)}`)
  // One column, and its first line is no name but a text: nothing is lost.
  if (header.length === 1 && columnOf(header, TEXT_NAMES) === undefined && header[0].trim().split(/\s+/).length >= WORDS_OF_TEXT) yield checked(1, header[0], '')
  const labelAt = columnOf(header.map((name, i) => (i === textAt ? '' : name)), LABEL_NAMES)
  for (const { line, cells, error } of rows) {
    if (cells === undefined) yield { line, problem: error?.message }
    else yield checked(line, cells[textAt], labelAt === undefined ? '' : cells[labelAt])
  }
}

/** @param {import('../../bin/rows.js').TableText} table @returns {Generator<TableRow>} */
function* rowsOfLines(table) {
  let line = 0
  for (const each of table.text.split('\n')) {
    line++
    if (each.trim() === '') continue
    if (isBad(table, each)) {
      yield { line, problem: 'it has characters that cannot be decoded' }
      continue
    }
    /** @type {unknown} */
    let value
    try {
      value = JSON.parse(each)
    } catch (error) {
      yield { line, problem: `it is not JSON (${error instanceof Error ? error.message : error})` }
      continue
    }
    const object = /** @type {Record<string, unknown>} */ (typeof value === 'object' && value !== null ? value : {})
    const names = Object.keys(object)
    const [textAt, labelAt] = [columnOf(names, TEXT_NAMES), columnOf(names, LABEL_NAMES)]
    yield checked(line, textAt === undefined ? undefined : object[names[textAt]], labelAt === undefined ? '' : object[names[labelAt]])
  }
}

/** @param {number} line @param {unknown} text @param {unknown} label @returns {TableRow} */
function checked(line, text, label) {
  if (typeof text !== 'string' || text.trim() === '') return { line, problem: 'it has no text' }
  const own = Array.isArray(label) && label.length === 1 ? label[0] : label ?? ''
  if (Array.isArray(own)) return own.length === 0 ? { line, text, label: '' } : { line, problem: `it has ${own.length} labels, and an example here has one` }
  if (typeof own === 'object') return { line, problem: 'its label is no text' }
  return { line, text, label: String(own).normalize('NFC').trim() }
}

serve({
  /** @param {{ bytes: ArrayBuffer, name: string, type: string }} file */
  read: ({ bytes, name, type }, progress) => readDocument(bytes, { name, type, onProgress: progress }),

  /** The rows come as progress, some at a time. @param {{ bytes: ArrayBuffer, name: string }} file */
  async table({ bytes, name }, progress) {
    const read = await tableText(new Uint8Array(bytes))
    let batch = /** @type {TableRow[]} */ ([])
    for (const row of rowsOf(read, /\.(jsonl|ndjson)$/i.test(name) || /^\s*\{/.test(read.text))) {
      batch.push(row)
      if (batch.length < BATCH) continue
      progress(batch)
      batch = []
    }
    progress(batch)
  }
})
