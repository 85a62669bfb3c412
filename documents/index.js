/**
 * Files as text, the same for the command line and the page.
 *
 * Each format has a reader of its own, imported when the first document of it comes; whoever reads text alone loads none of
 * the libraries that the others need.
 */
import { LinformerError, show } from '../wasm/common/errors.js'
import { isBlank } from '../wasm/common/visible.js'
import { checkEncoding } from './encoding.js'
import { emptyText, tooLarge, unreadable } from './errors.js'
import { formatOf, isGzip } from './format.js'

/**
 * @typedef {import('./index.js').ReadOptions} ReadOptions
 * @typedef {import('./index.js').DocumentText} DocumentText
 * @typedef {{ encoding?: string, declared?: string, name?: string, type?: string, onProgress?: (share: number) => void }} ReaderOptions
 * @typedef {{ text: string, notes: string[], format?: string }} Read
 */

export { TYPES } from './format.js'

/** Longest document: twice as many bytes could not be a string. */
export const MOST_BYTES = 2 ** 28

/** @type {Record<import('./format.js').Format, (bytes: Uint8Array, options: ReaderOptions) => Read | Promise<Read>>} */
const READERS = {
  text: async (bytes, options) => (await import('./text.js')).readText(bytes, options),
  markdown: async (bytes, options) => (await import('./text.js')).readMarkdown(bytes, options),
  html: async (bytes, options) => (await import('./html.js')).readHtml(bytes, options),
  xhtml: async (bytes, options) => (await import('./html.js')).readXhtml(bytes, options),
  pdf: async (bytes, options) => (await import('./pdf.js')).readPdf(bytes, options),
  rtf: async (bytes) => (await import('./rtf.js')).readRtf(bytes),
  eml: async (bytes) => (await import('./mail.js')).readMail(bytes),
  zip: async (bytes) => (await import('./office.js')).readArchive(bytes),
  gzip: async (bytes, { name, type, encoding, onProgress }) => {
    const { gunzip, isPacked } = await import('./zip.js')
    const unpacked = gunzip(bytes)
    if (isPacked(unpacked)) throw unreadable('format', 'it is gzip within gzip, which is not read')
    return readDocument(unpacked, { name: name?.replace(/\.gz$/i, ''), type: type !== undefined && isGzip(type) ? undefined : type, encoding, onProgress })
  }
}

/**
 * @param {Uint8Array | ArrayBuffer | ArrayBufferView} data
 * @param {ReadOptions} [options]
 * @returns {Promise<DocumentText>}
 */
export async function readDocument(data, options = {}) {
  const { name, type, encoding, onProgress } = checkOptions(options)
  const bytes = bytesOf(data)
  if (bytes.length > MOST_BYTES) throw tooLarge('it has', bytes.length, MOST_BYTES, 'bytes')
  const { format, declared } = formatOf(bytes, { name, type })
  const read = await READERS[format](bytes, { name, type, encoding, declared, onProgress })
  if (isBlank(read.text)) throw emptyText(`the text is empty: ${whyEmpty(read)}`, { notes: read.notes })
  return { text: read.text, format: /** @type {DocumentText['format']} */ (read.format ?? format), notes: read.notes }
}

/**
 * What is null is not there: so says `headers.get('content-type')`.
 *
 * @param {ReadOptions} options
 * @returns {{ name?: string, type?: string, encoding?: string, onProgress?: (share: number) => void }}
 * @throws {LinformerError} BAD_ARGUMENT
 */
function checkOptions(options) {
  if (typeof options !== 'object' || options === null) throw new LinformerError('BAD_ARGUMENT', `options is ${show(options)}, not an object`)
  const { onProgress } = options
  const [name, type, encoding] = /** @type {const} */ (['name', 'type', 'encoding']).map((key) => {
    const value = options[key] ?? undefined
    if (value !== undefined && typeof value !== 'string') throw new LinformerError('BAD_ARGUMENT', `${key} is ${show(value)}, not a string`)
    return value
  })
  if (encoding !== undefined) checkEncoding(encoding)
  if (onProgress !== undefined && typeof onProgress !== 'function') throw new LinformerError('BAD_ARGUMENT', `onProgress is ${show(onProgress)}, not a function`)
  return { name, type, encoding, onProgress }
}

/** @param {Read} read */
function whyEmpty({ text, notes }) {
  if (notes.length > 0) return notes.join('; ')
  return text.length === 0 ? 'there is nothing in it' : `none of its characters (${text.length.toLocaleString('en-US')}) is visible`
}

/** @param {unknown} data @returns {Uint8Array} */
function bytesOf(data) {
  try {
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    if (Object.prototype.toString.call(data) === '[object ArrayBuffer]') return new Uint8Array(/** @type {ArrayBuffer} */ (data))
  } catch (error) {
    throw new LinformerError('BAD_ARGUMENT', 'the bytes are not here any more: they were transferred, to a worker perhaps', {}, { cause: error })
  }
  throw new LinformerError('BAD_ARGUMENT', 'a document is bytes: an ArrayBuffer, Uint8Array or another view of one')
}
