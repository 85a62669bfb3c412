/**
 * Many documents, one after another: read from their files, then by the model, for the task at hand and all others on its trunk.
 *
 * A document's text is kept as a Blob, which browsers may put on the disk.
 */
import { isTable, pathOf } from '../page/files.js'
import { createPause } from '../common/pause.js'

/**
 * @typedef {import('../wasm/index.js').Result} Result
 * @typedef {import('../engine/models.js').Task} Task
 *
 * @typedef {object} Row a document
 * @property {number} number from 1, in the order in which they came
 * @property {string} id its path, or its path and its line
 * @property {File} [file] to be read
 * @property {Blob} [text]
 * @property {string[]} notes what of it could not be read
 * @property {Map<string, Result>} results by task
 * @property {string} [problem] why there is no text, or no result
 * @property {boolean} [refused] whether it is the text that there is none of: no task can have it
 */

export class Queue extends EventTarget {
  /** @type {Row[]} */
  #rows = []
  #engine
  #tasks
  #reading
  /** @type {AbortController | undefined} */
  #work

  /**
   * @param {import('../engine/engine.js').Engine} engine
   * @param {ReturnType<typeof import('../page/tasks.js').createTasks>} tasks
   * @param {import('../page/files.js').FileReading} reading
   */
  constructor(engine, tasks, reading) {
    super()
    this.#engine = engine
    this.#tasks = tasks
    this.#reading = reading
  }

  get rows() {
    return this.#rows
  }

  get busy() {
    return this.#work !== undefined
  }

  /** @param {readonly File[]} files documents, and tables of them */
  add(files) {
    for (const file of files) this.#push({ id: pathOf(file), file })
    this.#told()
  }

  /** @param {Partial<Row> & { id: string }} row */
  #push(row) {
    this.#rows.push({ number: this.#rows.length + 1, notes: [], results: new Map(), ...row })
  }

  clear() {
    this.stop()
    this.#rows = []
    this.#told()
  }

  stop() {
    this.#work?.abort()
  }

  /** Answers of a task are no longer right: it was taught again. @param {string} task */
  forget(task) {
    for (const { results } of this.#rows) results.delete(task)
    this.#told()
  }

  /** How many rows have an answer for the task, or never will. @param {Task} task */
  done({ id }) {
    return this.#rows.reduce((n, { results, refused, problem }) => n + (results.has(id) || refused || problem !== undefined ? 1 : 0), 0)
  }

  /**
   * Reads what has no answer for the task at hand yet.
   *
   * @throws what stops all: a model that cannot be loaded, or an abort
   */
  async run() {
    if (this.#work !== undefined) return
    this.#work = new AbortController()
    const { signal } = this.#work
    this.#told()
    try {
      // Another task may be chosen meanwhile: then once more for what has no answer to that.
      let task
      do {
        task = this.#tasks.current()
        await this.#readAll(signal)
      } while (task !== this.#tasks.current())
    } finally {
      this.#work = undefined
      this.#reading.close()
      this.#told()
    }
  }

  /** @param {AbortSignal} signal */
  async #readAll(signal) {
    const callbacks = { signal, onProgress: () => {} }
    const pause = createPause(signal)
    for (let i = 0; i < this.#rows.length; i++) {
      const task = this.#tasks.current()
      const row = this.#rows[i]
      if (row.refused || row.results.has(task.id)) continue
      row.problem = undefined
      if (row.file !== undefined && isTable(row.file)) {
        await this.#unfold(i, row.file, signal)
        i--
        continue
      }
      const text = await this.#textOf(row, signal)
      if (text !== undefined) {
        await this.#engine.answering(task, callbacks)
        try {
          for (const [id, result] of await this.#engine.read(task, this.#tasks.all(), text, callbacks)) row.results.set(id, result)
        } catch (error) {
          signal.throwIfAborted()
          row.problem = error instanceof Error ? error.message : String(error)
        }
      }
      this.#told()
      await pause()
    }
  }

  /** @param {Row} row @param {AbortSignal} signal @returns {Promise<string | undefined>} undefined if it cannot be read */
  async #textOf(row, signal) {
    if (row.text !== undefined) return row.text.text()
    if (row.file === undefined) return undefined
    try {
      const { text, notes } = await this.#reading.read(row.file, { signal })
      row.text = new Blob([text])
      row.notes = notes
      return text
    } catch (error) {
      signal.throwIfAborted()
      row.problem = error instanceof Error ? error.message : String(error)
      row.refused = true
      return undefined
    }
  }

  /** A table's rows in its place. @param {number} at @param {File} file @param {AbortSignal} signal */
  async #unfold(at, file, signal) {
    /** @type {Row[]} */
    const found = []
    const { id } = this.#rows[at]
    try {
      await this.#reading.readTable(file, (rows) => {
        for (const { line, text, problem } of rows) {
          found.push({ number: 0, id: `${id}, line ${line}`, notes: [], results: new Map(), ...(text === undefined ? { problem: `${problem}.`, refused: true } : { text: new Blob([text]) }) })
        }
      }, signal)
      if (found.length === 0) throw new Error(`${id}: it has no rows.`)
      this.#rows = [...this.#rows.slice(0, at), ...found, ...this.#rows.slice(at + 1)]
      for (const [i, row] of this.#rows.entries()) row.number = i + 1
    } catch (error) {
      signal.throwIfAborted()
      const row = this.#rows[at]
      row.file = undefined
      row.problem = error instanceof Error ? error.message : String(error)
      row.refused = true
    }
  }

  #told() {
    this.dispatchEvent(new Event('change'))
  }
}
