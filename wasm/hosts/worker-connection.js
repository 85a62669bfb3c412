/**
 * A worker from its caller's side, and the messages that go to it and come from it.
 *
 * Messages to the worker, answered under the same id:
 *
 *     { id, call: 'load' | 'inspect', source, options }     the model's description, or the inspection
 *     { id, call: 'classify' | 'embed', head, heads, document, options, index, count }     a Result, or Results of heads; a vector
 *     { id, call: 'attach', source, options }     the number and the description of a classifier with that head
 *     { id, call: 'export', head, source, options }     a file's bytes
 *     { id, call: 'teach', head, examples, options }     a head file and its report; examples is an array, or a number under which
 *     { id, call: 'example', examples, document }     brings one after another: answered when it is asked for
 *     { id, call: 'detach', head }     nothing
 *     { id, call: 'abort' }     none; the call of that id stops within a slice of work
 *
 * Classifiers are named by numbers, that of the loaded model is 0. From the worker come { id, progress }, { id, value } or
 * { id, error }. Functions and signals stay on this side.
 */
import { LinformerError, show, throwIfAborted } from '../common/errors.js'
import { asBytes, insideOf, isA } from '../common/kinds.js'
import { isAddress } from '../source/address.js'
import { readSource } from '../source/fetch.js'
import { isShipped } from './shipped.js'

/**
 * @typedef {import('../index.js').ProgressEvent} ProgressEvent
 * @typedef {{ signal?: AbortSignal, onProgress?: (event: ProgressEvent) => void }} Callbacks
 * @typedef {{ code?: import('../index.js').ErrorCode, name?: string, message: string, details?: Record<string, unknown>, cause?: unknown }} PlainError
 *
 * @typedef {{ id: number, value?: unknown, progress?: ProgressEvent, error?: PlainError }} Answer what comes from the worker
 *
 * @typedef {object} Listener what a host tells about its worker
 * @property {(message: Answer) => void} message
 * @property {(reason: string, cause?: unknown) => void} failed
 *
 * @typedef {object} Port a worker, whichever the host
 * @property {(message: unknown, transfer?: ArrayBuffer[]) => void} post
 * @property {() => void} terminate
 * @property {(busy: boolean) => void} keepAlive whether the process has to wait for this worker
 *
 * @typedef {object} Host
 * @property {(worker: unknown, listener: Listener) => Port} start the worker that was given, or one of our own
 * @property {(source: string) => string} resolve a URL or path as the worker will understand it
 */

/** @param {PlainError} plain @returns {Error} */
function revive({ code, name, message, details, cause }) {
  if (code !== undefined) return new LinformerError(code, message, details, cause === undefined ? undefined : { cause })
  return Object.assign(new Error(message, { cause }), { name })
}

/** @param {unknown} worker that was given @param {string[]} methods that the host calls */
export function checkWorker(worker, methods) {
  const given = /** @type {Record<string, unknown>} */ (worker)
  if (methods.every((name) => typeof given[name] === 'function')) return
  throw new LinformerError('BAD_ARGUMENT', `worker is ${show(worker)}; it has to be a Worker`)
}

/** A worker and the calls that are under way in it. */
export class Connection {
  /** @type {Port} */
  #port
  #nextId = 0
  /** @type {Map<number, { resolve: (value: unknown) => void, reject: (error: unknown) => void, onProgress?: (event: ProgressEvent) => void }>} */
  #calls = new Map()
  /** Why no call can be made any more. @type {LinformerError | undefined} */
  #ended

  /** @param {Host} host @param {unknown} worker */
  constructor(host, worker) {
    this.#port = host.start(worker, {
      message: (message) => this.#receive(message),
      failed: (reason, cause) => {
        this.end(new LinformerError('WORKER_FAILED', `the worker ${reason}; load the model again`, {}, { cause }))
      }
    })
    this.#port.keepAlive(false)
  }

  /**
   * @template T what the worker answers to this message
   * @param {Record<string, unknown>} message
   * @param {Callbacks} callbacks
   * @param {ArrayBuffer[]} [transfer]
   * @returns {Promise<T>} ABORTED as soon as the signal is; the worker learns of it and stops too
   */
  async call(message, { signal, onProgress }, transfer = []) {
    throwIfAborted(signal)
    if (this.#ended) throw this.#ended
    const id = this.#nextId++
    const onAbort = () => {
      this.#settle(id)?.reject(new LinformerError('ABORTED', 'aborted by the caller', {}, { cause: signal?.reason }))
      this.#port.post({ id, call: 'abort' })
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await new Promise((resolve, reject) => {
        this.#calls.set(id, { resolve: /** @type {(value: unknown) => void} */ (resolve), reject, onProgress })
        this.#port.keepAlive(true)
        try {
          this.#port.post({ id, progress: onProgress !== undefined, ...message }, transfer)
        } catch (error) {
          // What cannot be cloned, or has been transferred already.
          this.#settle(id)
          reject(new LinformerError('BAD_ARGUMENT', `the worker cannot be sent this: ${error}`, {}, { cause: error }))
        }
      })
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Ends the worker, and every call with the error. @param {LinformerError} error */
  end(error) {
    if (this.#ended) return
    this.#ended = error
    this.#port.terminate()
    for (const id of [...this.#calls.keys()]) this.#settle(id)?.reject(error)
  }

  /** @param {number} id */
  #settle(id) {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    if (this.#calls.size === 0) this.#port.keepAlive(false)
    return call
  }

  /** @param {Answer} message */
  #receive({ id, value, progress, error }) {
    if (progress !== undefined) {
      try {
        this.#calls.get(id)?.onProgress?.(progress)
      } catch (thrown) {
        this.#settle(id)?.reject(thrown)
        this.#port.post({ id, call: 'abort' })
      }
    } else if (error !== undefined) {
      this.#settle(id)?.reject(revive(error))
    } else {
      const call = this.#settle(id)
      call?.resolve(value)
      // A classifier that came too late for the caller, who has aborted: it would keep its room.
      const { number } = /** @type {{ number?: number }} */ (value ?? {})
      if (call === undefined && number !== undefined) this.#port.post({ id: this.#nextId++, call: 'detach', head: number })
    }
  }
}

export const disposed = () => new LinformerError('DISPOSED', 'this classifier has been disposed of')

/**
 * A source that can be sent: strings as the worker will understand them, and of a response its bytes.
 *
 * @param {unknown} source
 * @param {Host} host
 * @param {import('../source/fetch.js').ReadOptions} options
 */
export async function sendable(source, host, options) {
  if (typeof source === 'string') return isShipped(source) || isAddress(source) ? source : host.resolve(source)
  if (isA(source, 'URL')) return source.href
  // Bytes that have been handed over already cannot be sent, and some hosts do not say so.
  if (asBytes(source)?.byteLength === 0) return new Uint8Array(0)
  if (!isA(source, 'Response') && insideOf(source) === undefined) return source // a classifier is refused here
  const { bytes, name } = await readSource(source, options)
  return { bytes, name, url: /** @type {Response} */ (source).url }
}
