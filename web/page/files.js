/** Files as texts: read as the command line reads them, in a worker that is fetched when the first file comes. */
import { bytes } from '../common/format.js'
import { Messenger, WorkerError } from '../workers/messenger.js'

/** @typedef {import('../workers/documents.js').TableRow} TableRow */

const LARGEST = 16 * 2 ** 20 // bytes of a document; a text area with more than this stops answering to the keyboard
const LARGEST_TABLE = 256 * 2 ** 20

/** What a visitor can do, by the reason for which a document could not be read. @type {Record<string, string>} */
const NEXT = {
  encoding: 'Save it as UTF-8 and open it again.',
  table: 'Save it with the ending .csv, .tsv or .jsonl to have its rows read.'
}

/** A file of many documents, one a row. @param {File} file */
export const isTable = ({ name }) => /\.(csv|tsv|jsonl|ndjson)$/i.test(name)

/** @param {File} file */
export const isModel = ({ name }) => /\.safetensors$/i.test(name)

/** The files' path within the folder that was chosen, or their name. @param {File} file */
export const pathOf = (file) => file.webkitRelativePath || file.name

export class FileReading {
  #worker = new Messenger(new URL('../reader/document-worker.js', import.meta.url))

  /**
   * @param {File} file
   * @param {{ signal?: AbortSignal, onProgress?: (share: number) => void }} [options] progress is 0 to 1; for files that take a while
   * @returns {Promise<{ text: string, notes: string[] }>}
   * @throws {Error} that says why it cannot be read and what to do
   */
  async read(file, { signal, onProgress } = {}) {
    const content = await this.#contentOf(file, LARGEST)
    return this.#ask(file, 'read', content, { signal, onProgress })
  }

  /**
   * The rows of a table, some at a time.
   *
   * @param {File} file
   * @param {(rows: TableRow[]) => void} onRows
   * @param {AbortSignal} [signal]
   */
  async readTable(file, onRows, signal) {
    const content = await this.#contentOf(file, LARGEST_TABLE)
    await this.#ask(file, 'table', content, { signal, onProgress: onRows })
  }

  /** Ends the worker. */
  close() {
    this.#worker.close()
  }

  /** @param {File} file @param {number} largest */
  async #contentOf(file, largest) {
    const { name, size } = file
    if (size > largest) throw new Error(`${name} has ${bytes(size)}; this page takes files of up to ${bytes(largest)}.`)
    try {
      return await file.arrayBuffer()
    } catch (error) {
      throw new Error(`${name} could not be read. Choose the file again.`, { cause: error })
    }
  }

  /**
   * @template T what the worker answers
   * @template P what it reports on the way
   * @param {File} file
   * @param {string} call
   * @param {ArrayBuffer} content
   * @param {{ signal?: AbortSignal, onProgress?: (event: P) => void }} options
   * @returns {Promise<T>}
   */
  async #ask({ name, type }, call, content, options) {
    try {
      return await this.#worker.call(call, { bytes: content, name, type }, { ...options, transfer: [content] })
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      const next = NEXT[String(error.details.reason)] ?? 'Choose another file, or paste the text.'
      throw new Error(`${name}: ${error.message}. ${next}`, { cause: error })
    }
  }
}
