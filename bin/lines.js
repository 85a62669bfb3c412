/**
 * Documents as lines of JSON, as they come: no more of the stream is held than a line and what was read with it. A table has rows instead,
 * and is read at once.
 */
import { constants } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { decode, encodingOfMark } from '../documents/encoding.js'
import { inWords } from './documents.js'
import { filesOf } from './paths.js'
import { rowsOfTable, TABLE } from './tables.js'

/** @typedef {import('./documents.js').Document} Document */

const NEWLINE = 0x0a

/** Names of files of lines. */
export const LINES = /\.(jsonl|ndjson)(\.gz)?$/i

/** A longer one could not be a string. */
const MOST_LINE_BYTES = Math.min(2 ** 28, constants.MAX_STRING_LENGTH)

/**
 * Lines of bytes, without their ends.
 *
 * @param {AsyncIterable<Uint8Array>} stream
 * @param {number} [most] bytes of a line
 * @returns {AsyncGenerator<Uint8Array | undefined>} undefined for a line that has more
 */
export async function* linesOf(stream, most = MOST_LINE_BYTES) {
  /** @type {Uint8Array[]} */
  let parts = []
  let length = 0
  const take = (/** @type {Uint8Array} */ part) => {
    length += part.length
    if (length > most) parts = []
    else parts.push(part)
  }
  const line = () => {
    const whole = length > most ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts)
    parts = []
    length = 0
    return whole
  }
  for await (const bytes of stream) {
    let from = 0
    for (let to = bytes.indexOf(NEWLINE); to >= 0; to = bytes.indexOf(NEWLINE, from)) {
      take(bytes.subarray(from, to))
      yield line()
      from = to + 1
    }
    if (from < bytes.length) take(bytes.subarray(from))
  }
  if (length > 0) yield line()
}

/**
 * A file's bytes, or those of standard input, unpacked if they begin as gzip does.
 *
 * @param {string} file or `-`
 * @returns {AsyncGenerator<Uint8Array>}
 */
async function* bytesOfFile(file) {
  const stream = file === '-' ? process.stdin : createReadStream(file)
  const parts = stream[Symbol.asyncIterator]()
  const first = await parts.next()
  async function* whole() {
    try {
      for (let part = first; !part.done; part = await parts.next()) yield part.value
    } finally {
      stream.destroy()
    }
  }
  if (first.done || first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield* whole()
    return
  }
  yield* unpacked(whole())
}

/**
 * What is in gzip. A stream that fails drops what it holds: it is taken at once.
 *
 * @param {AsyncIterable<Uint8Array>} packed
 * @returns {AsyncGenerator<Uint8Array>}
 */
async function* unpacked(packed) {
  const gunzip = createGunzip()
  /** @type {Uint8Array[]} */
  const parts = []
  gunzip.on('data', (part) => parts.push(part))
  const over = new Promise((resolve) => { gunzip.on('error', resolve).on('end', resolve) })
  try {
    for await (const part of packed) {
      await Promise.race([over, new Promise((resolve) => { gunzip.write(part, resolve) })])
      yield* parts.splice(0)
      if (gunzip.destroyed) break
    }
    gunzip.end()
    const error = await over
    yield* parts.splice(0)
    if (error) throw new Error(`its gzip is damaged (${inWords(error).message})`, { cause: error })
  } finally {
    gunzip.destroy()
  }
}

/**
 * The stream as UTF-8, if it is UTF-16 by its mark or by what the user says: a line of it ends in two bytes.
 *
 * @param {AsyncIterable<Uint8Array>} stream
 * @param {string | undefined} encoding
 * @returns {AsyncGenerator<Uint8Array>}
 */
async function* withoutUtf16(stream, encoding) {
  /** @type {TextDecoder | undefined} */
  let decoder
  let isFirst = true
  for await (const bytes of stream) {
    const name = isFirst ? encodingOfMark(bytes) ?? encoding : undefined
    if (name?.startsWith('utf-16')) decoder = new TextDecoder(name, { fatal: true })
    isFirst = false
    yield decoder === undefined ? bytes : Buffer.from(decoder.decode(bytes, { stream: true }))
  }
  if (decoder !== undefined) yield Buffer.from(decoder.decode())
}

/**
 * @typedef {object} LineReading
 * @property {string} [encoding]
 * @property {string} [text] name of the member or column with the text; default: text
 */

/**
 * One document a line, `{"id", "text"}` and perhaps `"textPair"`, or a row of a table with these columns. Blank lines are passed over.
 *
 * @param {string[]} files
 * @param {LineReading} [options]
 * @returns {AsyncGenerator<Document>}
 */
export async function* fromLines(files, options = {}) {
  for (const name of files) {
    for await (const { file, error } of filesOf(name, LINES)) {
      if (error === undefined) yield* TABLE.test(file) ? fromTable(file, options) : fromFileOfLines(file, options)
      else yield { id: null, where: file, error: inWords(error) }
    }
  }
}

/** @param {string} file @param {LineReading} options @returns {AsyncGenerator<Document>} */
async function* fromTable(file, { encoding, text = 'text' }) {
  try {
    const wanted = { required: [[text]], optional: ['id', 'textPair'], named: '--text names the column', encoding }
    for (const { line, row, error } of await rowsOfTable(file, wanted)) {
      const where = `${file}, line ${line}`
      yield row === undefined ? { id: null, where, error } : documentOf(row, text, where)
    }
  } catch (error) {
    yield { id: null, where: file, error: inWords(error) }
  }
}

/**
 * @typedef {object} Line that is not blank
 * @property {number} number from 1
 * @property {number} bytes that have been read with it
 * @property {string} [text]
 * @property {unknown} [value] that it has in JSON
 * @property {Error} [error] what is wrong with it
 */

/**
 * Lines of JSON, blank ones passed over. Throws what ends the whole file.
 *
 * @param {string} file or `-`
 * @param {string | undefined} encoding
 * @returns {AsyncGenerator<Line>}
 */
export async function* valuesOfLines(file, encoding) {
  let [number, bytes] = [0, 0]
  const stream = bytesOfFile(file)
  const isUtf16 = encoding?.startsWith('utf-16')
  for await (const line of linesOf(withoutUtf16(stream, encoding))) {
    number++
    bytes += (line?.length ?? MOST_LINE_BYTES) + 1
    const parsed = parseLine(line, isUtf16 ? undefined : encoding)
    if (parsed !== undefined) yield { number, bytes, ...parsed }
  }
}

/**
 * @param {Uint8Array | undefined} bytes
 * @param {string | undefined} encoding
 * @returns {Pick<Line, 'text' | 'value' | 'error'> | undefined} undefined for a blank line
 */
function parseLine(bytes, encoding) {
  if (bytes === undefined) return { error: new Error(`it has more than ${MOST_LINE_BYTES.toLocaleString('en-US')} bytes`) }
  let text
  try {
    text = decode(bytes, { encoding, exact: true }).text
  } catch (error) {
    return { error: inWords(error) }
  }
  if (text.trim() === '') return undefined
  try {
    return { text, value: JSON.parse(text) }
  } catch (error) {
    return { error: new Error(`it is not JSON: ${inWords(error).message}`, { cause: error }) }
  }
}

/**
 * @param {string} file
 * @param {LineReading} options
 * @returns {AsyncGenerator<Document>}
 */
async function* fromFileOfLines(file, { encoding, text: name = 'text' }) {
  try {
    for await (const { number, text = '', value, error } of valuesOfLines(file, encoding)) {
      const where = `${file === '-' ? 'standard input' : file}, line ${number}`
      yield error === undefined ? { ...documentOf(value, name, where), ...rawIdIn(text, value) } : { id: null, where, error }
    }
  } catch (error) {
    yield { id: null, where: file, error: inWords(error) }
  }
}

/**
 * @param {unknown} json of a line, or the cells of a row
 * @param {string} name of the member with the text
 * @param {string} where
 * @returns {Document}
 */
function documentOf(json, name, where) {
  const value = /** @type {Record<string, unknown> | null} */ (json)
  const line = { id: value?.id ?? null, where }
  const text = value?.[name]
  if (typeof text !== 'string') return { ...line, error: new Error(`it has no "${name}" that is a string`) }
  const textPair = value?.textPair ?? undefined
  if (textPair === undefined) return { ...line, input: text }
  if (typeof textPair !== 'string') return { ...line, error: new Error('its "textPair" is not a string') }
  return { ...line, input: { text, textPair } }
}

/** @param {string} line of JSON @param {unknown} value that it has @returns {{ rawId?: string }} its id as it is written */
function rawIdIn(line, value) {
  const { id } = /** @type {{ id?: unknown } | null} */ (value) ?? {}
  return id === undefined || id === null ? {} : { rawId: rawMember(line, 'id') }
}

/**
 * A member's value as it is written: JSON.parse makes another number of a large integer.
 *
 * @param {string} json of an object, known to be right
 * @param {string} name
 * @returns {string | undefined} of the last member of that name
 */
export function rawMember(json, name) {
  const marks = /["[\]{}:,]/g
  let depth = 0
  let current = ''
  /** Where the value began whose name is `current`; -1 where a name is to come. */
  let start = -1
  let found
  for (let match = marks.exec(json); match !== null; match = marks.exec(json)) {
    const { 0: mark, index } = match
    if (mark === '"') {
      marks.lastIndex = endOfString(json, index)
      if (depth === 1 && start < 0) current = JSON.parse(json.slice(index, marks.lastIndex))
    } else if (mark === ':') {
      if (depth === 1) start = index + 1
    } else {
      const isEnd = depth === 1 && (mark === ',' || mark === '}')
      if (isEnd && start >= 0 && current === name) found = json.slice(start, index).trim()
      if (isEnd) start = -1
      if (mark === '{' || mark === '[') depth++
      else if (mark === '}' || mark === ']') depth--
    }
  }
  return found
}

/** @param {string} json @param {number} start of a string in it @returns {number} where it ends */
function endOfString(json, start) {
  for (let at = json.indexOf('"', start + 1); ; at = json.indexOf('"', at + 1)) {
    let escapes = 0
    while (json[at - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return at + 1
  }
}
