/**
 * The documents that the command line names: files, standard input, and lines of JSON.
 */
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { createReadStream } from 'node:fs'

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

/** Bytes as text. @param {Uint8Array} bytes @returns {string} without a byte order mark */
function decode(bytes) {
  if (bytes.subarray(0, 8192).includes(0)) throw new Error('it is not a text: it has NUL bytes')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it is not UTF-8')
  }
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
 * @param {string[]} files `-` is standard input
 * @returns {AsyncGenerator<Document>}
 */
export async function* fromFiles(files) {
  for (const file of files) {
    try {
      const bytes = file === '-' ? await readStdin() : await readFile(file)
      yield { id: file, input: decode(bytes) }
    } catch (error) {
      yield { id: file, error: reason(error) }
    }
  }
}

/** @param {string} path */
async function readFile(path) {
  const file = await open(path)
  try {
    return await file.readFile()
  } finally {
    await file.close()
  }
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
      const stream = file === '-' ? process.stdin : createReadStream(file)
      // The lines' reader does not hear of the stream's errors.
      const failed = new Promise((_, reject) => stream.once('error', reject))
      failed.catch(() => {})
      const lines = createInterface({ input: stream, crlfDelay: Infinity })[Symbol.asyncIterator]()
      for (let line = await Promise.race([lines.next(), failed]); !line.done; line = await Promise.race([lines.next(), failed])) {
        number++
        const text = number === 1 ? line.value.replace(/^\ufeff/, '') : line.value
        if (text.trim() !== '') yield parseLine(text, where)
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
