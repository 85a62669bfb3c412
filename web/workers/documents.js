/**
 * Reads documents, so that a large or hostile one does not hold up the page.
 *
 * It comes to the page as tools/reader.js makes it, reader/document-worker.js: with the libraries, one file a format.
 */
import { readDocument } from '../../documents/index.js'
import { serve } from './serve.js'

serve({
  /** @param {{ bytes: ArrayBuffer, name: string, type: string }} file */
  read: ({ bytes, name, type }, progress) => readDocument(bytes, { name, type, onProgress: progress })
})
