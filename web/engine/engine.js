/**
 * What is in memory: the shared trunk once, with a head for each task on it, and beside it at most one model with a trunk of its own.
 */
import { LinformerError } from '../wasm/worker.js'
import { TRUNKS } from './models.js'
import { loadPatiently } from './patiently.js'

/**
 * @typedef {import('../wasm/index.js').Classifier} Classifier
 * @typedef {import('../wasm/index.js').ProgressEvent} ProgressEvent
 * @typedef {import('../wasm/index.js').Result} Result
 * @typedef {import('./models.js').Task} Task
 * @typedef {{ signal: AbortSignal, onProgress: (event: ProgressEvent) => void }} Callbacks
 *
 * @typedef {object} Loaded a trunk in memory
 * @property {Promise<Classifier>} classifier
 * @property {AbortController} ended
 * @property {Set<(event: ProgressEvent) => void>} listeners
 * @property {number} waiting callers for whom it is being loaded
 * @property {Map<string, Promise<Classifier>>} heads by task
 */

/** Each has to start before the first result, and a document has work for so many. */
const MOST_THREADS = 8
/** Bytes for heads on a shared trunk: a handful of them. */
const MOST_HEAD_ROOM = 4 * 2 ** 20

export class Engine {
  /** By the shared trunk's name, or the task's that has its own. @type {Map<string, Loaded>} */
  #trunks = new Map()
  #budget

  /** @param {number} memoryBudget bytes, of each trunk */
  constructor(memoryBudget) {
    this.#budget = memoryBudget
  }

  get budget() {
    return this.#budget
  }

  /** Another budget: what was planned for the one before is given back. @param {number} memoryBudget bytes */
  set budget(memoryBudget) {
    this.#budget = memoryBudget
    this.close()
  }

  /** A shared trunk, loaded once. @param {keyof typeof TRUNKS} name @param {Callbacks} callbacks @returns {Promise<Classifier>} */
  trunk(name, callbacks) {
    return this.#load(name, TRUNKS[name].file, callbacks)
  }

  /** Begins to load the trunk that answers a task, for whoever asks for it next. @param {Task} task */
  begin({ id, trunk, file }) {
    if (trunk === undefined) this.#begin(id, file)
    else this.#begin(trunk, TRUNKS[/** @type {keyof typeof TRUNKS} */ (trunk)].file)
  }

  /**
   * What answers a task.
   *
   * @param {Task} task
   * @param {Callbacks} callbacks
   * @returns {Promise<Classifier>}
   */
  async answering(task, callbacks) {
    if (task.trunk === undefined) {
      // Only one model of this kind stays.
      for (const id of this.#trunks.keys()) if (!(id in TRUNKS) && id !== task.id) this.#end(id)
      return this.#load(task.id, task.file, callbacks)
    }
    try {
      return await this.#attach(task, callbacks)
    } catch (error) {
      if (/** @type {{ code?: string }} */ (error).code !== 'BUDGET_TOO_SMALL') throw error
      // The other tasks' heads have the room; they come again when they are asked.
      const { heads } = this.#trunks.get(task.trunk) ?? {}
      for (const head of heads?.values() ?? []) head.then(({ dispose }) => dispose(), () => {})
      heads?.clear()
      return this.#attach(task, callbacks)
    }
  }

  /**
   * The task's head on its trunk.
   *
   * @param {Task} task
   * @param {Callbacks} callbacks
   * @returns {Promise<Classifier>}
   */
  async #attach(task, callbacks) {
    const trunk = await this.trunk(/** @type {keyof typeof TRUNKS} */ (task.trunk), callbacks)
    const heads = this.#trunks.get(/** @type {string} */ (task.trunk))?.heads ?? new Map()
    const known = heads.get(task.id) ?? trunk.attach(sourceOf(task.file))
    heads.set(task.id, known)
    try {
      return await known
    } catch (error) {
      heads.delete(task.id)
      throw error
    }
  }

  /**
   * One reading of a document, and the answers of a task and of the others that share its trunk.
   *
   * @param {Task} task
   * @param {readonly Task[]} others one that fails is left out
   * @param {string} text
   * @param {Callbacks & { explain?: 'passages', overflow?: 'truncate' }} options
   * @returns {Promise<Map<string, Result>>} by task; at least that of `task`
   */
  async read(task, others, text, { explain, overflow, ...callbacks }) {
    const own = await this.answering(task, callbacks)
    const options = { explain, overflow, ...callbacks }
    if (task.trunk === undefined) return new Map([[task.id, await own.classify(text, options)]])
    const trunk = await this.trunk(/** @type {keyof typeof TRUNKS} */ (task.trunk), callbacks)
    const besides = others.filter((other) => other.trunk === task.trunk && other.id !== task.id)
    const attached = await Promise.all(besides.map((other) => this.#attach(other, callbacks).catch(() => undefined)))
    callbacks.signal.throwIfAborted()
    const heads = [{ id: task.id, head: own }, ...besides.flatMap(({ id }, i) => (attached[i] === undefined ? [] : [{ id, head: attached[i] }]))]
    const results = await own.classify(text, { ...options, heads: heads.map(({ head }) => head) })
    return new Map(heads.map(({ id }, i) => [id, results[i]]))
  }

  /** A task is gone, or has another file now. @param {string} id */
  forget(id) {
    for (const { heads } of this.#trunks.values()) {
      heads.get(id)?.then((head) => head.dispose(), () => {})
      heads.delete(id)
    }
    this.#end(id)
  }

  /** Gives all memory back; the next call loads anew. */
  close() {
    for (const id of [...this.#trunks.keys()]) this.#end(id)
  }

  /** @param {string} id */
  #end(id) {
    const found = this.#trunks.get(id)
    this.#trunks.delete(id)
    found?.ended.abort()
    found?.classifier.then((classifier) => classifier.dispose(), () => {})
  }

  /**
   * @param {string} id
   * @param {Task['file']} file
   * @param {Callbacks} callbacks
   * @returns {Promise<Classifier>}
   */
  async #load(id, file, { signal, onProgress }) {
    signal.throwIfAborted()
    const entry = this.#trunks.get(id) ?? this.#begin(id, file)
    entry.listeners.add(onProgress)
    entry.waiting++
    const { promise: aborted, reject } = withReject()
    const onAbort = () => reject(new LinformerError('ABORTED', 'aborted by the caller'))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([entry.classifier, aborted])
    } catch (error) {
      // Whoever else waits for it goes on waiting.
      if (signal.aborted && entry.waiting === 1 && this.#trunks.get(id) === entry) this.#end(id)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      entry.listeners.delete(onProgress)
      entry.waiting--
    }
  }

  /** @param {string} id @param {Task['file']} file */
  #begin(id, file) {
    const threads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1
    const ended = new AbortController()
    /** @type {Loaded['listeners']} */
    const listeners = new Set()
    const size = id in TRUNKS ? TRUNKS[/** @type {keyof typeof TRUNKS} */ (id)].bytes : 0
    const onProgress = (/** @type {ProgressEvent} */ event) => {
      const told = event.phase === 'download' && event.total === undefined && event.done <= size ? { ...event, total: size } : event
      for (const listener of listeners) listener(told)
    }
    const classifier = loadPatiently(sourceOf(file), { memoryBudget: this.#budget, threads, ...(id in TRUNKS ? { headRoom: Math.min(MOST_HEAD_ROOM, this.#budget / 8) } : {}) }, { signal: ended.signal, onProgress })
    /** @type {Loaded} */
    const entry = { classifier, ended, listeners, waiting: 0, heads: new Map() }
    this.#trunks.set(id, entry)
    classifier.catch(() => {
      if (this.#trunks.get(id) === entry) this.#trunks.delete(id)
    })
    return entry
  }
}

/** @param {Task['file']} file */
const sourceOf = (file) => (typeof file === 'string' ? new URL(file, document.baseURI) : file)

/** @returns {{ promise: Promise<never>, reject: (reason: unknown) => void }} */
function withReject() {
  /** @type {(reason: unknown) => void} */
  let reject = () => {}
  const promise = new Promise((_, no) => { reject = no })
  promise.catch(() => {})
  return { promise: /** @type {Promise<never>} */ (promise), reject }
}
