/**
 * Examples that the command line names: a folder with a folder for each label, or rows of CSV, TSV and JSONL.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readDocument } from 'linformer-wasm/documents'
import Papa from 'papaparse'
import { fromFiles, inWords } from './documents.js'

/**
 * @typedef {object} Example
 * @property {string} id the file, or the file and its line
 * @property {string} [text]
 * @property {string} [label]
 * @property {unknown} [error] why there is none
 *
 * @typedef {object} Columns
 * @property {string} text
 * @property {string} label
 * @property {string} [encoding]
 */

/** Delimiters that are tried; the one that makes rows of equal length is taken. */
const DELIMITERS = [',', ';', '\t']

/** @param {string} path @param {Columns} columns @returns {AsyncGenerator<Example>} */
export async function* examplesOf(path, columns) {
  let info
  try {
    info = await stat(path)
  } catch (error) {
    throw new Error(`${path}: ${inWords(error).message}`, { cause: error })
  }
  if (info.isDirectory()) yield* fromFolders(path, columns)
  else yield* fromTable(path, columns)
}

/** @param {string} path @param {Columns} columns @returns {AsyncGenerator<Example>} */
async function* fromFolders(path, { encoding }) {
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'))
  entries.sort((a, b) => a.name < b.name ? -1 : 1)
  for (const entry of entries) {
    const inside = join(path, entry.name)
    if (!entry.isDirectory()) {
      yield { id: inside, error: new Error('it is in no folder that would be its label') }
      continue
    }
    for await (const { id, input, error } of fromFiles([inside], { encoding })) {
      if (typeof input === 'string') yield { id: String(id), text: input, label: entry.name }
      else yield { id: String(id), error }
    }
  }
}

/** @param {string} path @param {Columns} columns @returns {AsyncGenerator<Example>} */
async function* fromTable(path, columns) {
  let text
  try {
    ({ text } = await readDocument(await readFile(path), { type: 'text', encoding: columns.encoding }))
  } catch (error) {
    throw new Error(`${path}: ${inWords(error).message}`, { cause: error })
  }
  const rows = /\.(jsonl|ndjson)$/i.test(path) || /^\s*\{/.test(text) ? rowsOfLines(text) : rowsOfCsv(text, basename(path), columns)
  for (const { line, row, error } of rows) {
    const id = `${path}, line ${line}`
    if (row === undefined) {
      yield { id, error }
      continue
    }
    const [own, label] = [row[columns.text], row[columns.label]]
    if (typeof own !== 'string' || own.trim() === '') yield { id, error: new Error(`it has no "${columns.text}"`) }
    else if ((typeof label !== 'string' || label.trim() === '') && typeof label !== 'number') yield { id, error: new Error(`it has no "${columns.label}"`) }
    else yield { id, text: own, label: String(label).trim() }
  }
}

/** @typedef {{ line: number, row?: Record<string, unknown>, error?: Error }} Row */

/** @param {string} text @returns {Generator<Row>} */
function* rowsOfLines(text) {
  let line = 0
  for (const each of text.split('\n')) {
    line++
    if (each.trim() === '') continue
    try {
      const row = JSON.parse(each)
      if (typeof row === 'object' && row !== null) yield { line, row }
      else yield { line, error: new Error('it is not a JSON object') }
    } catch (error) {
      yield { line, error: new Error(`it is not JSON (${inWords(error).message})`) }
    }
  }
}

/**
 * @param {string} text
 * @param {string} name for messages
 * @param {Columns} columns
 * @returns {Row[]}
 */
function rowsOfCsv(text, name, columns) {
  /** @type {Row[]} */
  const rows = []
  /** @type {string[] | undefined} */
  let header
  let line = 1
  let at = 0
  const newline = text.includes('\n') ? '\n' : '\r'
  Papa.parse(text, {
    delimitersToGuess: DELIMITERS,
    step: ({ data, errors, meta }) => {
      const cells = /** @type {string[]} */ (/** @type {unknown} */ (data))
      const start = line
      line += text.slice(at, meta.cursor).split(newline).length - 1
      at = meta.cursor
      if (cells.length === 1 && cells[0].trim() === '') return
      if (header === undefined) {
        header = cells.map((cell) => cell.trim().toLowerCase())
        return
      }
      const quotes = errors.find(({ type }) => type === 'Quotes')
      if (quotes !== undefined) rows.push({ line: start, error: new Error(quotes.message) })
      else if (cells.length !== header.length) rows.push({ line: start, error: new Error(`it has ${cells.length} fields, the header ${header.length}`) })
      else rows.push({ line: start, row: rowOf(header, cells, columns) })
    }
  })
  for (const column of [columns.text, columns.label]) {
    if (!header?.includes(column.toLowerCase())) {
      throw new Error(`${name} has no column "${column}"; its header is ${(header ?? []).map((cell) => `"${cell}"`).join(', ')} (--text and --label name the columns)`)
    }
  }
  return rows
}

/** @param {string[]} header @param {string[]} cells @param {Columns} columns */
const rowOf = (header, cells, { text, label }) => ({ [text]: cells[header.indexOf(text.toLowerCase())], [label]: cells[header.indexOf(label.toLowerCase())] })
