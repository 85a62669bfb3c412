/**
 * The documents that the command line names: files, folders, patterns and standard input.
 */
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { LinformerError } from 'linformer-wasm'
import { MOST_BYTES, readDocument } from 'linformer-wasm/documents'
import { filesOf } from './paths.js'

/**
 * @typedef {object} Document
 * @property {unknown} id file name, or the id of its line
 * @property {string} [rawId] the line's id as it is written there
 * @property {string} [where] of a line: its file and number
 * @property {string | { text: string, textPair: string }} [input]
 * @property {string} [format] what the file was
 * @property {string[]} [notes] what of it is not in the text
 * @property {unknown} [error] why there is no input
 *
 * @typedef {object} Reading
 * @property {string} [type] of documents whose names say nothing, or are wrong
 * @property {string} [encoding] of text without a byte order mark, in place of UTF-8
 * @property {(folder: string, files: string[]) => void} [passOver] is told the files of a folder whose names are not those of documents
 */

/** What went wrong, by the system's code. @type {Map<unknown, string>} */
const WORDS = new Map([
  ['ENOENT', 'there is no such file'], ['EISDIR', 'it is a folder'], ['EACCES', 'there is no permission'], ['EPERM', 'there is no permission'],
  ['ENOTDIR', 'there is no such file'], ['ENOSPC', 'there is no space left'], ['ELOOP', 'its symbolic links lead in a circle'], ['ENAMETOOLONG', 'its name is too long']
])

/** What the command line can do about it, by the reason of the error. @type {Map<unknown, string>} */
const HINTS = new Map([
  ['table', '--jsonl reads the rows of .csv and .tsv files and lines of JSON, and --type text reads it as one text'],
  ['encoding', 'save it as UTF-8, or name its encoding with --encoding']
])

/** @param {unknown} error @returns {Error} in words */
export function inWords(error) {
  if (!(error instanceof Error)) return new Error(String(error))
  if (error instanceof LinformerError) {
    const hint = HINTS.get(error.details.reason)
    // Once is enough: an error may come here again on its way.
    return hint === undefined || error.message.endsWith(hint) ? error : new LinformerError(error.code, `${error.message}; ${hint}`, error.details, { cause: error })
  }
  const words = wordsOf('code' in error ? error.code : undefined)
  return words === undefined ? error : new Error(words, { cause: error })
}

/** @param {unknown} code of the system's @returns {string | undefined} what it means */
export const wordsOf = (code) => WORDS.get(code)

/** @returns {Promise<Uint8Array>} all of standard input, or so much that it is too much */
async function readStdin() {
  const parts = []
  let length = 0
  for await (const part of process.stdin) {
    parts.push(part)
    length += part.length
    if (length > MOST_BYTES) break
  }
  return Buffer.concat(parts)
}

/** @param {string} file or `-` @returns {Promise<Uint8Array>} */
export async function bytesOf(file) {
  if (file === '-') return readStdin()
  const { size } = await stat(file)
  // Not read at all: the reader refuses it by its size.
  return size > MOST_BYTES ? new Uint8Array(MOST_BYTES + 1) : readFile(file)
}

/**
 * One document a file.
 *
 * @param {string[]} names of files, folders, patterns; `-` is standard input
 * @param {Reading} [options]
 * @returns {AsyncGenerator<Document>}
 */
export async function* fromFiles(names, options = {}) {
  for (const name of names) {
    for await (const { file, error } of filesOf(name, undefined, (files) => options.passOver?.(name, files))) {
      yield error === undefined ? await fromFile(file, options) : { id: file, error: inWords(error) }
    }
  }
}

/** @param {string} file @param {Reading} options @returns {Promise<Document>} */
export async function fromFile(file, { type, encoding }) {
  try {
    const { text, format, notes } = await readDocument(await bytesOf(file), { name: file === '-' ? undefined : basename(file), type, encoding })
    return { id: file, input: text, format, notes }
  } catch (error) {
    return { id: file, error: inWords(error) }
  }
}
