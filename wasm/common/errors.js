/** Longest message: names and labels in it may come from a stranger. */
const LONGEST_MESSAGE = 1000

const bounded = (/** @type {string} */ text) => text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}...` : text

/**
 * A text that moves no cursor, begins no line, changes no colours and turns no direction of writing where it is shown:
 * such characters become escapes, `\\u{1b}` for one.
 *
 * @param {string} text
 */
export const visible = (text) => {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/**
 * The one error of this library.
 *
 * @typedef {'BAD_ARGUMENT' | 'UNSUPPORTED' | 'SOURCE_FAILED' | 'INTEGRITY' | 'MODEL_TRUNCATED' | 'MODEL_FORMAT' |
 *   'MODEL_CONFIG' | 'MODEL_TENSOR' | 'BUDGET_TOO_SMALL' | 'OUT_OF_MEMORY' | 'DOCUMENT' | 'EMPTY_TEXT' | 'TEXT_TOO_LONG' |
 *   'NOT_FINITE' | 'ABORTED' | 'DISPOSED' | 'ENGINE' | 'WORKER_FAILED'} ErrorCode
 */
export class LinformerError extends Error {
  /** @override @readonly @type {'LinformerError'} */
  name = 'LinformerError'

  /**
   * @param {ErrorCode} code stable, for programs
   * @param {string} message for people: names the value and the limit
   * @param {Record<string, unknown>} [details] the numbers of the message
   * @param {{ cause?: unknown }} [options]
   */
  constructor(code, message, details = {}, options = undefined) {
    super(bounded(visible(message)), options)
    this.code = code
    this.details = details
  }

  /** What JSON keeps of it; the details may hold anything. */
  toJSON() {
    return { name: this.name, code: this.code, message: this.message }
  }
}

/**
 * What a URL or path is called in messages: a data URL would be the whole model.
 *
 * @param {unknown} source
 */
export function nameOf(source) {
  const name = String(source)
  if (/^data:/i.test(name)) return 'the data: URL'
  return name.length > 300 ? `${name.slice(0, 200)}...${name.slice(-80)}` : name
}

/** Longest piece of a value in a message. */
const SHOWN = 100

/**
 * A value as a message shows it: as JSON, cut short if it is long; what JSON cannot say, by its type.
 *
 * @param {unknown} value anything, from anywhere
 * @returns {string}
 */
export function show(value) {
  if (typeof value === 'number') return String(value)
  let text
  try {
    text = JSON.stringify(value)
  } catch {
    // A circle, a bigint, or nested too deeply.
  }
  text ??= typeof value === 'bigint' ? `${value}n` : typeof value
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}

/**
 * Throws ABORTED if the signal has been.
 * @param {AbortSignal | undefined} signal
 */
export function throwIfAborted(signal) {
  if (signal?.aborted) throw new LinformerError('ABORTED', 'aborted by the caller', {}, { cause: signal.reason })
}

/**
 * Waits for work that cannot be stopped, or for the signal, whichever comes first.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {() => T | PromiseLike<T>} start begins the work; not called if the signal has been aborted
 * @returns {Promise<T>}
 * @throws {LinformerError} ABORTED
 */
export async function abortable(signal, start) {
  throwIfAborted(signal)
  if (signal === undefined) return start()
  /** @type {(error: unknown) => void} */
  let reject
  const aborted = new Promise((_, no) => { reject = no })
  const onAbort = () => {
    reject(new LinformerError('ABORTED', 'aborted by the caller', {}, { cause: signal.reason }))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return /** @type {T} */ (await Promise.race([start(), aborted]))
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Does work whose arrays may find no memory, and gives that a name.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {LinformerError} OUT_OF_MEMORY if the host refused an array; otherwise what the work throws
 */
export async function namingMemory(work) {
  try {
    return await work()
  } catch (error) {
    const refused = error instanceof RangeError && /alloc|memory|array length|array buffer/i.test(error.message)
    if (!refused) throw error
    throw new LinformerError('OUT_OF_MEMORY', `this host has no memory left (${error.message})`, {}, { cause: error })
  }
}
