/**
 * Calls of functions in a worker of the page: the one way in which the page talks to its own workers. (The model's worker is the
 * library's, and talks as linformer-wasm/worker does.)
 *
 * To the worker: { id, name, args }. From it: { id, progress } any number of times, then { id, value } or { id, error }; see serve.js.
 */

/** What a worker says of an error. @typedef {{ message: string, details?: Record<string, unknown> }} PlainError */

/** The message of calls that `close` ended. */
export const STOPPED = 'stopped'

/** An error in a worker, or of one that could not be started. */
export class WorkerError extends Error {
  /** @param {string} message @param {Record<string, unknown>} [details] */
  constructor(message, details = {}) {
    super(message)
    this.name = 'WorkerError'
    this.details = details
  }
}

export class Messenger {
  #url
  /** @type {Worker | undefined} */
  #worker
  #next = 0
  /** @type {Map<number, { resolve: (value: unknown) => void, reject: (error: unknown) => void, onProgress: (event: unknown) => void }>} */
  #calls = new Map()

  /** @param {URL} url of the worker's script; it is started with the first call */
  constructor(url) {
    this.#url = url
  }

  /**
   * @template T what the function returns
   * @template P what it reports on the way
   * @param {string} name of the function
   * @param {unknown} args
   * @param {{ signal?: AbortSignal, onProgress?: (event: P) => void, transfer?: Transferable[] }} [options] an abort ends the
   *   worker with all that it does; the next call starts another
   * @returns {Promise<T>}
   * @throws {WorkerError} what the function threw; `signal.reason` after an abort
   */
  call(name, args, { signal, onProgress = () => {}, transfer = [] } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const id = this.#next++
      const onAbort = () => this.close(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      /** @template V @param {(value: V) => void} settle */
      const settled = (settle) => (/** @type {unknown} */ value) => {
        signal?.removeEventListener('abort', onAbort)
        settle(/** @type {V} */ (value))
      }
      this.#calls.set(id, { resolve: settled(resolve), reject: settled(reject), onProgress: /** @type {(event: unknown) => void} */ (onProgress) })
      try {
        this.#worker ??= this.#start()
        this.#worker.postMessage({ id, name, args }, transfer)
      } catch (error) { // of what cannot be copied, or no worker is allowed
        this.#calls.get(id)?.reject(error)
        this.#calls.delete(id)
      }
    })
  }

  /** Ends the worker; calls that wait are rejected. @param {unknown} [reason] */
  close(reason = new WorkerError(STOPPED)) {
    this.#worker?.terminate()
    this.#worker = undefined
    for (const [id, { reject }] of [...this.#calls]) {
      this.#calls.delete(id)
      reject(reason)
    }
  }

  #start() {
    const worker = new Worker(this.#url, { type: 'module' })
    worker.addEventListener('message', ({ data }) => this.#receive(data))
    worker.addEventListener('error', ({ message }) => {
      if (worker === this.#worker) this.close(new WorkerError(message ? `its worker stopped: ${message}` : 'its worker could not be started'))
    })
    return worker
  }

  /** @param {{ id: number, progress?: unknown, value?: unknown, error?: PlainError }} message */
  #receive({ id, progress, value, error }) {
    const call = this.#calls.get(id)
    if (call === undefined) return // pdf.js, which takes the worker of documents for its own, says something too
    if (progress !== undefined) {
      call.onProgress(progress)
      return
    }
    this.#calls.delete(id)
    if (error === undefined) call.resolve(value)
    else call.reject(new WorkerError(error.message, error.details))
  }
}
