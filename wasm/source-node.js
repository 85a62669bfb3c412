/**
 * Bytes from a URL or a path, in Node.js.
 */
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { LinformerError, throwIfAborted } from './errors.js'
import { fetchBytes } from './source.js'

/** Bytes that are read at once. */
const CHUNK = 2 ** 20

/**
 * @param {string | URL} place
 * @param {{ signal?: AbortSignal, onProgress?: (event: import('./index.js').ProgressEvent) => void }} options
 * @returns {Promise<Uint8Array>}
 */
export async function readPlace(place, options) {
  if (/^https?:/i.test(String(place))) return fetchBytes(place, options)
  const name = String(place)
  const fail = (/** @type {unknown} */ error) => {
    const reason = error instanceof Error ? error.message : String(error)
    const code = /** @type {NodeJS.ErrnoException} */ (error).code
    return new LinformerError('SOURCE_FAILED', `${name} could not be read: ${reason}`, { source: name, errno: code }, { cause: error })
  }
  let file
  try {
    file = await open(/^file:/i.test(name) ? fileURLToPath(place) : name)
  } catch (error) {
    throw fail(error)
  }
  try {
    const { size: total } = await file.stat()
    const bytes = new Uint8Array(total)
    for (let done = 0; done < total;) {
      throwIfAborted(options.signal)
      const { bytesRead } = await file.read(bytes, done, Math.min(CHUNK, total - done), done)
      if (bytesRead === 0) return bytes.subarray(0, done)
      done += bytesRead
      options.onProgress?.({ phase: 'download', done, total })
    }
    return bytes
  } catch (error) {
    throw error instanceof LinformerError ? error : fail(error)
  } finally {
    await file.close()
  }
}
