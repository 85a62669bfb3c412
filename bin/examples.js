/**
 * Examples that the command line names: a folder with a folder for each label, or rows of CSV, TSV and JSONL.
 */
import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LinformerError } from 'linformer-wasm'
import { bytesOf, fromFile, inWords } from './documents.js'
import { LINES, valuesOfLines } from './lines.js'
import { ANY_FILE, filesOf } from './paths.js'
import { rowsOfTable } from './tables.js'

/**
 * @typedef {object} Example
 * @property {string} id the file, or the file and its line
 * @property {number} share how much of the examples has been read with this one, in bytes, 0 to 1
 * @property {string} [text]
 * @property {string} [textPair] of a row that has one
 * @property {string[]} [notes] what of the document is not in the text
 * @property {string[]} [labels] one, unless documents may have many
 * @property {boolean} [many] whether they may
 * @property {unknown} [error] why there is nothing
 *
 * @typedef {object} Columns
 * @property {string} [text] name of the column; default: text
 * @property {string} [label] default: label, or labels if there is no such column
 * @property {string} [encoding]
 * @property {string} [separator] between several labels in one field; with it a document may have many
 */

const TEXT = 'text'
const PAIR = 'textPair'
const LABELS = ['label', 'labels']

/** @param {string} path @param {Columns} [columns] @returns {AsyncGenerator<Example>} */
export async function* examplesOf(path, columns = {}) {
  let info
  try {
    info = await stat(path)
  } catch (error) {
    throw new Error(`${path}: ${inWords(error).message}`, { cause: error })
  }
  if (info.isDirectory()) yield* fromFolders(path, columns)
  else yield* fromTable(path, columns)
}

/**
 * @typedef {object} Entry
 * @property {string} file
 * @property {number} bytes
 * @property {string[]} labels
 * @property {unknown} [error]
 */

/** @param {string} path @param {Columns} columns @returns {AsyncGenerator<Example>} */
async function* fromFolders(path, { encoding, separator }) {
  const many = separator !== undefined
  const entries = many ? await joined(await entriesOf(path, many)) : await entriesOf(path, many)
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  for (const { file, bytes, labels, error } of entries) {
    const document = error === undefined ? await fromFile(file, { encoding }) : { input: undefined, notes: [], error }
    done += bytes
    const share = done / (total || 1)
    if (typeof document.input === 'string') yield { id: file, share, text: document.input, notes: document.notes, labels, many }
    else yield { id: file, share, error: isTable(document.error) ? new Error("it is a table; to use its rows as examples, give its path in place of the folder's") : document.error }
  }
}

/** Whether a file was refused as a table. @param {unknown} error */
const isTable = (error) => error instanceof LinformerError && error.details.reason === 'table' && error.details.format !== 'json'

/**
 * The files in the folders of a folder, with these folders' names as their labels.
 *
 * @param {string} path
 * @param {boolean} many whether a file may be in no such folder
 * @returns {Promise<Entry[]>}
 */
async function entriesOf(path, many) {
  /** @type {Entry[]} */
  const entries = []
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort()
  for (const name of names) {
    const inside = join(path, name)
    const isFolder = (await stat(inside).catch(() => undefined))?.isDirectory() === true
    const label = isFolder ? nameOf(name) : ''
    if (label === '' && (isFolder || !many)) {
      const why = isFolder ? 'the name of this folder is blank, and no label' : 'it is in no folder that would be its label'
      entries.push({ file: inside, bytes: 0, labels: [], error: new Error(why) })
      continue
    }
    for await (const { file, error } of filesOf(inside, ANY_FILE)) {
      const info = error === undefined ? await stat(file).catch(() => undefined) : undefined
      entries.push({ file, bytes: info?.size ?? 0, labels: isFolder ? [label] : [], error })
    }
  }
  return entries
}

/** Files with the same bytes become one, with the labels of all of them. @param {Entry[]} entries @returns {Promise<Entry[]>} */
async function joined(entries) {
  /** @type {Map<string, Entry>} */
  const found = new Map()
  for (const entry of entries) {
    // A file that cannot be read stays as it is, and is told when its text is asked for.
    const bytes = entry.error === undefined ? await bytesOf(entry.file).catch(() => undefined) : undefined
    const key = bytes === undefined ? entry.file : createHash('sha256').update(bytes).digest('hex')
    const same = found.get(key)
    if (same === undefined) found.set(key, entry)
    else same.labels = [...new Set([...same.labels, ...entry.labels])]
  }
  return [...found.values()]
}

/** @typedef {import('./tables.js').Row} Row */

/** @param {string} path @param {Columns} columns @returns {AsyncGenerator<Example>} */
async function* fromTable(path, columns) {
  const { text = TEXT, label, separator, encoding } = columns
  const isLines = LINES.test(path) || await beginsWithBrace(path)
  const wanted = { required: [[text], label === undefined ? LABELS : [label]], optional: [PAIR], named: '--text and --label name the columns', encoding }
  const rows = isLines ? rowsOfLines(path, columns) : await rowsOfTable(path, wanted).catch((error) => { throw new Error(`${path}: ${inWords(error).message}`, { cause: error }) })
  /** Whether documents may have many labels: as the first row says. @type {boolean | undefined} */
  let many = separator === undefined ? undefined : true
  for await (const { line, share, row, error } of rows) {
    const id = `${path}, line ${line}`
    const fail = (/** @type {unknown} */ why) => ({ id, share, error: why })
    if (row === undefined) {
      yield fail(error)
      continue
    }
    const name = label ?? LABELS.find((each) => Object.hasOwn(row, each)) ?? LABELS[0]
    const [own, pair, given] = [row[text], row[PAIR] ?? undefined, row[name]]
    if (typeof own !== 'string' || own.trim() === '') {
      yield fail(new Error(`it has no "${text}"`))
      continue
    }
    if (pair !== undefined && typeof pair !== 'string') {
      yield fail(new Error(`its "${PAIR}" is not a string`))
      continue
    }
    many ??= Array.isArray(given)
    const labels = labelsIn(given, separator)
    if (given === undefined || given === null || (labels?.length === 0 && !many)) yield fail(new Error(`it has no "${name}"`))
    else if (labels === undefined) yield fail(new Error(`its "${name}" is ${JSON.stringify(given).slice(0, 80)}, which is not a label`))
    else if (labels.length > 1 && !many) yield fail(new Error(`its "${name}" has ${labels.length} labels, and the rows before it have one`))
    else yield { id, share, text: own, ...(pair === undefined ? {} : { textPair: pair }), labels, many }
  }
}

/** A label as it is compared: names of folders come in the other normal form from some systems. @param {string} label */
const nameOf = (label) => label.normalize('NFC').trim()

/**
 * @param {unknown} value of the column
 * @param {string | undefined} separator
 * @returns {string[] | undefined} undefined if it is none
 */
function labelsIn(value, separator) {
  const isWord = (/** @type {unknown} */ each) => ['string', 'number', 'boolean'].includes(typeof each)
  if (Array.isArray(value)) {
    const labels = value.map((each) => nameOf(String(each)))
    return value.every(isWord) && !labels.includes('') ? labels : undefined
  }
  if (!isWord(value)) return undefined
  return (separator === undefined || typeof value !== 'string' ? [String(value)] : value.split(separator)).map(nameOf).filter((each) => each !== '')
}

/**
 * Whether a file that is named otherwise holds lines of JSON.
 *
 * @param {string} path
 * @throws Error for a list of rows in JSON
 */
async function beginsWithBrace(path) {
  const file = await open(path).catch((error) => {
    throw new Error(`${path}: ${inWords(error).message}`, { cause: error })
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
    const start = /^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*([{[])/.exec(buffer.subarray(0, bytesRead).toString('latin1'))?.[1]
    if (start === '[' && /\.json$/i.test(path)) throw new Error(`${path} is one list in JSON; what is read is JSONL, a line {"text": "...", "label": "..."} for each example`)
    return start === '{'
  } finally {
    await file.close()
  }
}

/** @param {string} path @param {Columns} columns @returns {AsyncGenerator<Row>} */
async function* rowsOfLines(path, { encoding }) {
  const { size } = await stat(path)
  let last = 0
  try {
    for await (const { number, bytes, value, error } of valuesOfLines(path, encoding)) {
      last = number
      const where = { line: number, share: Math.min(1, bytes / (size || 1)) }
      if (error !== undefined) yield { ...where, error }
      else if (typeof value === 'object' && value !== null && !Array.isArray(value)) yield { ...where, row: /** @type {Record<string, unknown>} */ (value) }
      else yield { ...where, error: new Error('it is not a JSON object') }
    }
  } catch (error) {
    // The file breaks off: what was read of it is used, as with any bad row.
    yield { line: last + 1, share: 1, error }
  }
}
