/**
 * Reads documents, in a worker, so that a large or hostile one does not hold up the page. In: { bytes, name, type }. Out:
 * { share } on the way, then { text, notes }, or { problem } in words.
 *
 * It comes to the page as tools/reader.js makes it: with the libraries, one file a format.
 */
import { readDocument } from './index.js'

const post = (/** @type {unknown} */ message) => postMessage(message)

addEventListener('message', async ({ data: { bytes, name, type } }) => {
  try {
    post(await readDocument(bytes, { name, type, onProgress: (share) => post({ share }) }))
  } catch (error) {
    const { message, details } = /** @type {Error & { details?: { reason?: string } }} */ (error)
    post({ problem: message, reason: details?.reason })
  }
})
