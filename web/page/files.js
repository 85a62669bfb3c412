/** Files as text: read as the command line reads them, in a worker that is fetched when the first file comes. */
import { bytes } from '../common/format.js'
import { Messenger, WorkerError } from '../workers/messenger.js'

const LARGEST = 16 * 2 ** 20 // bytes; a text area with more than this stops answering to the keyboard

/** What a visitor can do, by the reason for which a document could not be read. @type {Record<string, string>} */
const NEXT = {
  encoding: 'Save it as UTF-8 and open it again.',
  table: 'Paste one of its texts, or take the command line, which reads rows.'
}

/**
 * @param {File} file
 * @param {(share: number) => void} onProgress 0 to 1; for files that take a while
 * @returns {Promise<{ text: string, notes: string[] }>}
 * @throws {Error} that says why it cannot be read and what to do
 */
export async function readFile(file, onProgress) {
  const { name, size, type } = file
  if (size > LARGEST) throw new Error(`${name} has ${bytes(size)}; this page takes files of up to ${bytes(LARGEST)}.`)
  /** @type {ArrayBuffer} */
  let content
  try {
    content = await file.arrayBuffer()
  } catch (error) {
    throw new Error(`${name} could not be read. Choose the file again.`, { cause: error })
  }
  const worker = new Messenger(new URL('../reader/document-worker.js', import.meta.url))
  try {
    return await worker.call('read', { bytes: content, name, type }, { onProgress, transfer: [content] })
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    const reason = String(error.details.reason)
    throw new Error(`${name}: ${error.message}. ${NEXT[reason] ?? 'Choose another file, or paste the text.'}`, { cause: error })
  } finally {
    worker.close()
  }
}
