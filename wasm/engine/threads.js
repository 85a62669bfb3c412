/**
 * Threads: workers that run the same module in the same memory and take chunks of tiles, as src/schedule.c deals them.
 */

/**
 * @typedef {object} Listener what a host tells about a worker
 * @property {() => void} ready it has the module and is about to serve
 * @property {(reason: string) => void} failed it could not start, or ended by itself
 *
 * @typedef {object} Thread a worker, whichever the host
 * @property {(job: ThreadJob) => void} post
 * @property {() => void} terminate
 *
 * @typedef {(listener: Listener) => Thread} StartThread
 *
 * @typedef {object} ThreadJob all that a worker is told
 * @property {WebAssembly.Module} module
 * @property {WebAssembly.Memory} memory
 * @property {number} run address of the lf_run
 * @property {number} thread 1 .. threads - 1
 * @property {number} stack address of the end of its stack
 * @property {Int32Array} gate shared: OPEN until the thread has come in, or has been given up
 */

const OPEN = 0
const ENTERED = 1
const CLOSED = 2

/** Bytes of the stack of each thread but the first, whose stack is the module's own. */
export const THREAD_STACK = 65536

/** Whether this host lets threads share memory: a page has to be cross-origin isolated. */
export const canShareMemory = () => typeof SharedArrayBuffer === 'function' && globalThis.crossOriginIsolated !== false

/** Milliseconds that a worker may take to start. Some browsers start a worker's workers late or never, and say nothing. */
const PATIENCE_MS = 5000

const IMPORT_SECTION = 2
const MEMORY = 2
const SHARED = 2

/**
 * The module with its imported memory declared as shared: one bit of the import's limits is all that differs.
 * Everything it compiles to is the same, atomic instructions are allowed on either kind of memory.
 *
 * @param {Uint8Array} module as the Makefile builds it: the memory is its only import
 * @returns {Uint8Array | undefined} undefined if it is another module
 */
export function withSharedMemory(module) {
  const bytes = module.slice()
  let at = 8
  const number = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      value += (byte & 127) * scale
      if (!(byte >= 128)) return value // or the end
    }
  }
  while (at < bytes.length) {
    const id = bytes[at++]
    const end = number() + at
    if (id === IMPORT_SECTION) {
      if (number() !== 1) break
      for (let name = 0; name < 2; name++) {
        const length = number()
        at += length
      }
      if (bytes[at++] !== MEMORY) break
      bytes[at] |= SHARED
      return bytes
    }
    at = end
  }
  return undefined
}

/**
 * A worker's whole life: it serves until the run is stopped.
 *
 * @param {ThreadJob} job
 * @param {() => void} ready
 */
export function serveThread({ module, memory, run, thread, stack, gate }, ready) {
  const exports = /** @type {import('./calls.js').Exports} */ (/** @type {unknown} */ (new WebAssembly.Instance(module, { env: { memory } }).exports))
  exports.__stack_pointer.value = stack
  // Come too late: this thread is about to be ended, and must not be in the midst of a tile then.
  if (Atomics.compareExchange(gate, 0, OPEN, ENTERED) !== OPEN) return
  ready()
  exports.lf_serve(run, thread)
}

/** The workers of one engine. */
export class Threads {
  /** @type {Thread[]} */
  #threads = []
  #ended = false
  #died

  /** @param {(reason: string) => void} died called when a worker ends that has served */
  constructor(died) {
    this.#died = died
  }

  /**
   * Starts workers. One that cannot start is done without: the others and the caller do its work.
   *
   * @param {StartThread} start
   * @param {Omit<ThreadJob, 'gate'>[]} jobs
   * @returns {Promise<number>} how many serve
   */
  async start(start, jobs) {
    const started = await Promise.all(jobs.map((job) => this.#startOne(start, job)))
    return started.filter(Boolean).length
  }

  /** @param {StartThread} start @param {Omit<ThreadJob, 'gate'>} job @returns {Promise<boolean>} */
  async #startOne(start, job) {
    const gate = new Int32Array(new SharedArrayBuffer(4))
    // Whether the thread has come in; from now on it cannot, if it has not.
    const hasEntered = () => Atomics.compareExchange(gate, 0, OPEN, CLOSED) === ENTERED
    /** @type {Thread | undefined} */
    let thread
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    try {
      await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
        thread = start({
          ready: resolve,
          failed: (reason) => {
            if (hasEntered() && !this.#ended) this.#died(reason)
            resolve()
          }
        })
        this.#threads.push(thread)
        thread.post({ ...job, gate })
        timer = setTimeout(resolve, PATIENCE_MS)
      })
    } catch {
      // This host has no workers to give.
    }
    clearTimeout(timer)
    const serves = hasEntered()
    if (!serves) thread?.terminate()
    return serves
  }

  /** Ends the workers. */
  end() {
    this.#ended = true
    for (const thread of this.#threads) thread.terminate()
    this.#threads = []
  }
}
