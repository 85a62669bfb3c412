/**
 * Bytes from wherever the caller has them.
 */
import { asBytes, insideOf, isA } from '../common/kinds.js'
import { abortable, LinformerError, nameOf, throwIfAborted } from '../common/errors.js'

/** @typedef {import('../index.js').ProgressEvent} ProgressEvent */

/**
 * @typedef {object} ReadOptions
 * @property {AbortSignal} [signal]
 * @property {(event: ProgressEvent) => void} [onProgress]
 * @property {number} [maxModelBytes] most bytes that are read
 */

/** Longest file that is read unless the caller allows more. */
export const MAX_MODEL_BYTES = 2 ** 30

/**
 * @param {number} bytes that there are, or are so far
 * @param {string} name
 * @param {ReadOptions} options
 * @throws {LinformerError} BUDGET_TOO_SMALL if they are too many
 */
export function checkLength(bytes, name, { maxModelBytes: limit = MAX_MODEL_BYTES }) {
  if (bytes <= limit) return
  const message = `${name} has ${bytes} bytes or more; ${limit} are read at most, and maxModelBytes allows others`
  throw new LinformerError('BUDGET_TOO_SMALL', message, { source: name, bytes, limit })
}

/** What a page that is sent instead of a file begins with. */
const looksLikeHtml = (/** @type {Uint8Array} */ bytes) => {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 256)).trimStart().toLowerCase()
  return start.startsWith('<!doctype') || start.startsWith('<html') || start.startsWith('<head')
}

/** What Git has in place of a large file. @param {Uint8Array} bytes @returns {string | undefined} the size of the file, if they are that */
const pointerTo = (bytes) => {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 1024))
  return /^version https:\/\/git-lfs\.github\.com\/spec\/[^]*\nsize (\d+)\n/.exec(text)?.[1]
}

/**
 * Throws if the bytes are what servers and Git give in place of a file: a web page, or a pointer.
 *
 * @param {Uint8Array} bytes
 * @param {string} name
 * @param {number} [status] of the HTTP response that they came with
 */
export function refuseSubstitute(bytes, name, status) {
  const size = pointerTo(bytes)
  if (size !== undefined) {
    const message = `${name} is a pointer of Git LFS to a file of ${size} bytes, not that file: take the address that downloads it (/resolve/ in place of /raw/), or run git lfs pull`
    throw new LinformerError('MODEL_FORMAT', message, { source: name, status, size: Number(size) })
  }
  if (!looksLikeHtml(bytes)) return
  const answered = status === undefined ? '' : `, sent with HTTP status ${status}`
  throw new LinformerError('MODEL_FORMAT', `${name} is a web page (HTML)${answered}, not the file that was asked for${/\/blob\//.test(name) ? ': the address that downloads it has /resolve/ in place of /blob/' : ''}`, { source: name, status })
}

/**
 * What a server says in place of a file. Hubs add a reason, and answer 401 for what does not exist as for what is private.
 *
 * @param {Response} response
 * @param {string} name
 */
function refusal({ status, statusText, headers, redirected, url }, name) {
  const from = redirected && url ? ` from ${new URL(url).host}` : ''
  const reason = headers.get('x-error-message')
  const unknown = status === 401 && reason === null ? '; it may not exist, or be private' : ''
  const message = `${name} answered with HTTP status ${`${status} ${statusText}`.trimEnd()}${from}${reason === null ? unknown : `: ${reason}`}`
  return new LinformerError('SOURCE_FAILED', message, { source: name, status })
}

/**
 * The body of a response, with progress.
 *
 * @param {Response} response
 * @param {string} name
 * @param {ReadOptions} options
 * @returns {Promise<Uint8Array>}
 */
async function readResponse(response, name, options) {
  const { signal, onProgress } = options
  const { ok, status } = response
  if (!ok) throw refusal(response, name)
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '')
  if (status === 206 && range !== null && (range[1] !== '0' || Number(range[2]) + 1 < Number(range[3]))) {
    const message = `${name} answered with HTTP status 206, a part of the file: bytes ${range[1]} to ${range[2]} of ${range[3]}`
    throw new LinformerError('MODEL_TRUNCATED', message, { source: name, status })
  }
  // A compressed response says how many bytes travel, not how many there are; and from another origin it says no word of
  // being compressed. Only where all headers are to be seen is the length more than a hint.
  const encoded = response.headers.get('content-encoding')
  const length = encoded ? undefined : Number(response.headers.get('content-length')) || undefined
  const expected = response.type === 'basic' ? length : undefined
  checkLength(expected ?? 0, name, options)
  /** @type {Uint8Array[]} */
  const parts = []
  let done = 0
  /** @type {(cause?: unknown) => never} */
  const brokeOff = (cause) => {
    throwIfAborted(signal)
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
        checkLength(done, name, options)
        onProgress?.({ phase: 'download', done, total: length !== undefined && done <= length ? length : undefined })
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
  refuseSubstitute(bytes, name, status)
  return bytes
}

/**
 * @param {string | URL} url
 * @param {ReadOptions} options
 * @returns {Promise<Uint8Array>}
 */
export async function fetchBytes(url, options) {
  const name = nameOf(url)
  /** @type {Response} */
  let response
  try {
    response = await fetch(url, { signal: options.signal ?? null })
  } catch (error) {
    throwIfAborted(options.signal)
    throw new LinformerError('SOURCE_FAILED', `${name} could not be fetched: ${reasonOf(error)}`, { source: name }, { cause: error })
  }
  return readResponse(response, name, options)
}

/** What a fetch failed of. In Node.js all say "fetch failed", and their causes say why. @param {unknown} error */
function reasonOf(error) {
  if (!(error instanceof Error)) return String(error)
  const cause = /** @type {{ message?: string, code?: string } | undefined} */ (error.cause)
  const why = cause?.message || cause?.code
  return why ? `${error.message} (${why})` : error.message
}

/**
 * Reads a source. Strings and URLs go to `readAddress`, which is `fetch` here and also knows files in Node.js.
 *
 * @param {unknown} source URL, string, Response, Blob, ArrayBuffer or a view of one
 * @param {ReadOptions} options
 * @param {(address: string | URL, options: ReadOptions) => Promise<Uint8Array>} [readAddress]
 * @returns {Promise<{ bytes: Uint8Array, name: string }>}
 * @throws {LinformerError} BAD_ARGUMENT, SOURCE_FAILED, MODEL_TRUNCATED, ABORTED
 */
export async function readSource(source, options, readAddress = fetchBytes) {
  throwIfAborted(options.signal)
  if (typeof source === 'string' || isA(source, 'URL')) {
    const address = typeof source === 'string' ? source : String(source)
    return { bytes: await readAddress(address, options), name: nameOf(address) }
  }
  if (isA(source, 'Response')) {
    const name = nameOf(source.url || 'the response')
    if (source.bodyUsed || source.body?.locked) throw new LinformerError('BAD_ARGUMENT', `the body of ${name} has been read already`)
    return { bytes: await readResponse(source, name, options), name }
  }
  if (isA(source, 'Blob') || isA(source, 'File')) {
    const name = nameOf('name' in source ? source.name : 'the blob')
    checkLength(source.size, name, options)
    return { bytes: await readBlob(source, name, options), name }
  }
  const bytes = asBytes(source)
  if (bytes === undefined) {
    const type = source === null ? 'null' : insideOf(source) ? 'a classifier' : typeof source
    throw new LinformerError('BAD_ARGUMENT', `a source is a URL, path, Response, Blob, ArrayBuffer or bytes, not ${type}`)
  }
  checkLength(bytes.length, 'the buffer', options)
  return { bytes, name: 'the buffer' }
}

/**
 * @param {Blob} blob
 * @param {string} name
 * @param {ReadOptions} options
 */
async function readBlob(blob, name, { signal }) {
  const read = () => blob.arrayBuffer().catch((error) => {
    // A file that has been changed or removed since it was chosen.
    throw new LinformerError('SOURCE_FAILED', `${name} could not be read: ${error?.message ?? error}`, { source: name }, { cause: error })
  })
  return new Uint8Array(await abortable(signal, read))
}
