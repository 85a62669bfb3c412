/**
 * The examples that labels are taught by: a text and its label each. Kept on this machine from one visit to the next.
 */
import { put, readAll, remove } from '../store/database.js'

/**
 * @typedef {object} Example
 * @property {number} id
 * @property {string} text
 * @property {string} label
 * @property {string} name where it is from: a file, a line of a table, or empty
 */

export const FEWEST_LABELS = 2
export const MOST_LABELS = 50
/** Longest name of a label, in characters. */
export const LONGEST_LABEL = 100
/** Of a label, from which a fit can be judged at all: one for each part of the cross-validation. */
export const FEW = 8

const LABELS = 'labels' // the key of the list of labels, among the settings

export class Examples extends EventTarget {
  /** In the order in which they came. @type {Map<number, Example>} */
  #examples = new Map()
  /** In the order in which they were made; a label may have no example yet. @type {string[]} */
  #labels = []
  #next = 1
  /** What is written, in order. */
  #writing = Promise.resolve()
  #unwritten = 0

  get labels() {
    return this.#labels
  }

  get size() {
    return this.#examples.size
  }

  /** Of which labels which examples have: a report is of the state that it was made from. */
  fingerprint() {
    let hash = 2166136261 // FNV-1a
    for (const { id, label } of this.#examples.values()) {
      for (const word of [String(id), label]) {
        for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 16777619)
        hash = Math.imul(hash, 16777619)
      }
    }
    return hash >>> 0
  }

  /** @returns {Example[]} in the order in which they came */
  list() {
    return [...this.#examples.values()]
  }

  /** @param {number} id */
  get(id) {
    return this.#examples.get(id)
  }

  /** @returns {Map<string, number>} examples of each label */
  counts() {
    const counts = new Map(this.#labels.map((label) => [label, 0]))
    for (const { label } of this.#examples.values()) counts.set(label, (counts.get(label) ?? 0) + 1)
    return counts
  }

  /** What an earlier visit left. */
  async restore() {
    await readAll('settings', (/** @type {{ id: string, value: unknown }[]} */ values) => {
      for (const { id, value } of values) if (id === LABELS && Array.isArray(value)) this.#labels = value.map(String)
    })
    await readAll('examples', (/** @type {Example[]} */ values) => {
      for (const value of values) {
        this.#examples.set(value.id, value)
        this.#next = Math.max(this.#next, value.id + 1)
        if (!this.#labels.includes(value.label)) this.#labels.push(value.label)
      }
    })
    this.#told()
  }

  /**
   * @param {string} label
   * @returns {string} why there can be no label of this name; empty if there can
   */
  refusal(label) {
    if (label.trim() === '') return 'A label needs a name.'
    if (label.trim().length > LONGEST_LABEL) return `A label has at most ${LONGEST_LABEL} characters; this one has ${label.trim().length}.`
    if (!this.#labels.includes(label.trim()) && this.#labels.length >= MOST_LABELS) return `There can be at most ${MOST_LABELS} labels.`
    return ''
  }

  /** @param {string} label @throws {Error} in words, if it cannot be */
  addLabel(label) {
    const refusal = this.refusal(label)
    if (refusal !== '') throw new Error(refusal)
    if (this.#labels.includes(label.trim())) throw new Error(`There is a label “${label.trim()}” already.`)
    this.#labels = [...this.#labels, label.trim()]
    this.#changed([], [])
  }

  /**
   * @param {{ text: string, label: string, name: string }[]} examples
   * @returns {string[]} why some were left out, in words, each reason once
   */
  add(examples) {
    const problems = new Set()
    const added = []
    for (const { text, label, name } of examples) {
      const problem = text.trim() === '' ? 'An example without a text was left out.' : this.refusal(label)
      if (problem !== '') {
        problems.add(problem)
        continue
      }
      const example = { id: this.#next++, text, label: label.trim(), name }
      if (!this.#labels.includes(example.label)) this.#labels = [...this.#labels, example.label]
      this.#examples.set(example.id, example)
      added.push(example)
    }
    if (added.length > 0) this.#changed(added, [])
    return [...problems]
  }

  /** @param {number} id @param {string} label one of the labels */
  relabel(id, label) {
    const example = this.#examples.get(id)
    if (example === undefined || example.label === label) return
    const changed = { ...example, label }
    this.#examples.set(id, changed)
    this.#changed([changed], [])
  }

  /** @param {readonly number[]} ids */
  remove(ids) {
    for (const id of ids) this.#examples.delete(id)
    this.#changed([], ids)
  }

  /** @param {string} from @param {string} to @throws {Error} in words, if it cannot be */
  rename(from, to) {
    const name = to.trim()
    if (name === from) return
    const refusal = this.refusal(name)
    if (refusal !== '' && !(this.#labels.length >= MOST_LABELS && name !== '')) throw new Error(refusal)
    if (this.#labels.includes(name)) throw new Error(`There is a label “${name}” already.`)
    this.#labels = this.#labels.map((label) => (label === from ? name : label))
    const changed = this.list().filter(({ label }) => label === from).map((example) => ({ ...example, label: name }))
    for (const example of changed) this.#examples.set(example.id, example)
    this.#changed(changed, [])
  }

  /** A label and all its examples. @param {string} label */
  removeLabel(label) {
    const ids = this.list().filter((example) => example.label === label).map(({ id }) => id)
    this.#labels = this.#labels.filter((each) => each !== label)
    for (const id of ids) this.#examples.delete(id)
    this.#changed([], ids)
  }

  /** All of them, here; the database is the caller's. */
  clear() {
    this.#examples.clear()
    this.#labels = []
    this.#told()
  }

  /** When everything is written. */
  written() {
    return this.#writing
  }

  /** Whether it is; there is an event `kept` when it becomes so. */
  get isKept() {
    return this.#unwritten === 0
  }

  /** @param {Example[]} written @param {readonly number[]} removed */
  #changed(written, removed) {
    const labels = this.#labels
    this.#unwritten++
    this.#writing = this.#writing.then(async () => {
      if (written.length > 0) await put('examples', written)
      if (removed.length > 0) await remove('examples', removed)
      await put('settings', [/** @type {{ id: string }} */ ({ id: LABELS, value: labels })])
    }).catch(() => { this.dispatchEvent(new Event('unkept')) }).finally(() => {
      if (--this.#unwritten === 0) this.dispatchEvent(new Event('kept'))
    })
    this.#told()
  }

  #told() {
    this.dispatchEvent(new Event('change'))
  }
}
