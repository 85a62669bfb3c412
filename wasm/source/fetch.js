/**
 * Bytes from wherever the caller has them.
 */
import { abortable, LinformerError, show, throwIfAborted } from '../common/errors.js'

/** @typedef {import('../index.js').ProgressEvent} ProgressEvent */

/** Longest body that is read: a model that needs more has no room in WebAssembly memory. */
const LONGEST_BODY = 2 ** 32

/** What a page that is sent instead of a file begins with. */
const looksLikeHtml = (/** @type {Uint8Array} */ bytes) => {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 256)).trimStart().toLowerCase()
  return start.startsWith('<!doctype') || start.startsWith('<html') || start.startsWith('<head')
}

/**
 * Throws if the bytes are a web page.
 *
 * @param {Uint8Array} bytes
 * @param {string} name
 * @param {number} [status] of the HTTP response that they came with
 */
export function refuseHtml(bytes, name, status) {
  if (!looksLikeHtml(bytes)) return
  const answered = status === undefined ? '' : `, sent with HTTP status ${status}`
  throw new LinformerError('MODEL_FORMAT', `${name} is a web page (HTML)${answered}, not the file that was asked for`, { source: name, status })
}

/**
 * The body of a response, with progress.
 *
 * @param {Response} response
 * @param {string} name
 * @param {{ signal?: AbortSignal, onProgress?: (event: ProgressEvent) => void }} options
 * @returns {Promise<Uint8Array>}
 */
async function readResponse(response, name, { signal, onProgress }) {
  const { ok, status, statusText } = response
  if (!ok) {
    throw new LinformerError('SOURCE_FAILED', `${name} answered with HTTP status ${status} ${statusText}`.trimEnd(), { source: name, status })
  }
  // A compressed response says how many bytes travel, not how many there are.
  const encoded = response.headers.get('content-encoding')
  const expected = encoded ? undefined : Number(response.headers.get('content-length')) || undefined
  /** @type {Uint8Array[]} */
  const parts = []
  let done = 0
  /** @type {(cause?: unknown) => never} */
  const brokeOff = (cause) => {
    const message = `${name} answered with HTTP status ${status}, and broke off: ${done} ${expected === undefined ? '' : `of ${expected} `}bytes came`
    throw new LinformerError('MODEL_TRUNCATED', message, { source: name, status, bytes: done, expected }, { cause })
  }
  if (response.body) {
    const reader = response.body.getReader()
    try {
      for (;;) {
        const part = await abortable(signal, () => reader.read().catch(brokeOff))
        if (part.done) break
        parts.push(part.value)
        done += part.value.length
        const most = expected ?? LONGEST_BODY
        if (done > most) {
          throw new LinformerError('SOURCE_FAILED', `${name} sends more than ${most} bytes`, { source: name, limit: most })
        }
        onProgress?.({ phase: 'download', done, total: expected })
      }
    } catch (error) {
      reader.cancel().catch(() => {})
      throw error
    }
  }
  if (expected !== undefined && done < expected) brokeOff()
  const bytes = new Uint8Array(done)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  refuseHtml(bytes, name, status)
  return bytes
}

/**
 * @param {string | URL} url
 * @param {{ signal?: AbortSignal, onProgress?: (event: ProgressEvent) => void }} options
 * @returns {Promise<Uint8Array>}
 */
export async function fetchBytes(url, options) {
  const name = String(url)
  try {
    return await readResponse(await fetch(url, { signal: options.signal ?? null }), name, options)
  } catch (error) {
    throwIfAborted(options.signal)
    if (error instanceof LinformerError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new LinformerError('SOURCE_FAILED', `${name} could not be fetched: ${reason}`, { source: name }, { cause: error })
  }
}

/**
 * Reads a source. Strings and URLs go to `readPlace`, which is `fetch` here and also knows files in Node.js.
 *
 * @param {unknown} source URL, string, Response, Blob, ArrayBuffer or a view of one
 * @param {{ signal?: AbortSignal, onProgress?: (event: ProgressEvent) => void }} options
 * @param {(place: string | URL, options: any) => Promise<Uint8Array>} [readPlace]
 * @returns {Promise<{ bytes: Uint8Array, name: string }>}
 * @throws {LinformerError} BAD_ARGUMENT, SOURCE_FAILED, MODEL_TRUNCATED, ABORTED
 */
export async function readSource(source, options, readPlace = fetchBytes) {
  throwIfAborted(options.signal)
  if (typeof source === 'string' || source instanceof URL) {
    return { bytes: await readPlace(source, options), name: String(source) }
  }
  if (typeof Response !== 'undefined' && source instanceof Response) {
    const name = source.url || 'the response'
    if (source.bodyUsed) throw new LinformerError('BAD_ARGUMENT', `the body of ${name} has been read already`)
    return { bytes: await readResponse(source, name, options), name }
  }
  if (typeof Blob !== 'undefined' && source instanceof Blob) {
    const name = 'name' in source ? String(source.name) : 'the blob'
    return { bytes: new Uint8Array(await abortable(options.signal, () => source.arrayBuffer())), name }
  }
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), name: 'the buffer' }
  if (ArrayBuffer.isView(source)) {
    return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength), name: 'the buffer' }
  }
  const type = source === null ? 'null' : typeof source
  throw new LinformerError('BAD_ARGUMENT', `a source is a URL, path, Response, Blob, ArrayBuffer or bytes, not ${type}`)
}
