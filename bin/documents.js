/**
 * The documents that the command line names: files, standard input, and lines of JSON.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { htmlText } from './html.js'
import { filesOf } from './paths.js'
import { pdfText } from './pdf.js'

/**
 * @typedef {object} Document
 * @property {unknown} id file name, or the id of its line
 * @property {string | { text: string, textPair: string }} [input]
 * @property {string} [error] why there is none
 */

const reason = (/** @type {unknown} */ error) => {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a folder'
  if (code === 'EACCES') return 'it may not be read'
  return message
}

/** UTF-8 as text. @param {Uint8Array} bytes @returns {string} without a byte order mark */
function decode(bytes) {
  if (bytes.subarray(0, 8192).includes(0)) throw new Error('it is not a text: it has NUL bytes')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it is not UTF-8')
  }
}

/**
 * A file's text. A PDF is known by its first bytes, HTML by the file's name.
 *
 * @param {string} file
 * @param {Uint8Array} bytes
 * @returns {Promise<string>}
 */
async function textOf(file, bytes) {
  if (new TextDecoder('latin1').decode(bytes.subarray(0, 5)) === '%PDF-') return pdfText(bytes)
  const text = decode(bytes)
  return /\.x?html?$/i.test(file) ? htmlText(text) : text
}

/** @returns {Promise<Uint8Array>} all of standard input */
async function readStdin() {
  const parts = []
  for await (const part of process.stdin) parts.push(part)
  return Buffer.concat(parts)
}

/**
 * One document a file.
 *
 * @param {string[]} names of files, folders, patterns; `-` is standard input
 * @returns {AsyncGenerator<Document>}
 */
export async function* fromFiles(names) {
  for (const name of names) {
    try {
      for await (const file of filesOf(name)) yield await fromFile(file)
    } catch (error) {
      yield { id: name, error: reason(error) }
    }
  }
}

/** @param {string} file @returns {Promise<Document>} */
async function fromFile(file) {
  try {
    return { id: file, input: await textOf(file, file === '-' ? await readStdin() : await readFile(file)) }
  } catch (error) {
    return { id: file, error: reason(error) }
  }
}

/**
 * Lines as they come: no more of the stream is held than a line and what was read with it.
 *
 * @param {AsyncIterable<Buffer>} stream
 * @returns {AsyncGenerator<string>}
 */
async function* linesOf(stream) {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of stream) {
    const lines = decoder.decode(bytes, { stream: true }).split('\n')
    lines[0] = rest + lines[0]
    rest = /** @type {string} */ (lines.pop())
    yield* lines
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}

/**
 * One document a line, `{"id", "text"}` and perhaps `"textPair"`. Blank lines are passed over.
 *
 * @param {string[]} files
 * @returns {AsyncGenerator<Document>}
 */
export async function* fromLines(files) {
  for (const file of files) {
    let number = 0
    const where = () => `${file === '-' ? 'standard input' : file}, line ${number}`
    try {
      for await (const line of linesOf(file === '-' ? process.stdin : createReadStream(file))) {
        number++
        if (line.trim() !== '') yield parseLine(line, where)
      }
    } catch (error) {
      yield { id: null, error: `${file}: ${reason(error)}` }
    }
  }
}

/** @param {string} line @param {() => string} where @returns {Document} */
function parseLine(line, where) {
  let value
  try {
    value = JSON.parse(line)
  } catch (error) {
    return { id: null, error: `${where()} is not JSON: ${reason(error)}` }
  }
  const id = value?.id ?? null
  if (typeof value?.text !== 'string') return { id, error: `${where()} has no "text" that is a string` }
  if (value.textPair === undefined) return { id, input: value.text }
  if (typeof value.textPair !== 'string') return { id, error: `${where()} has a "textPair" that is not a string` }
  return { id, input: { text: value.text, textPair: value.textPair } }
}
