/**
 * TF-IDF of token ids: what the word head of a model file computes (see wasm/engine and src/linformer.h), for fitting it.
 *
 *   v_i = sqrt(tf_i) idf_i   for the tokens that the head knows, then v / |v|
 *   idf_i = (ln((1 + documents) / (1 + documents with i)) + 1)^power
 */
import { log } from './arithmetic.js'
import { Sparse } from './features.js'

/** Counts of token ids of many documents, as they come. */
export class Counts {
  /** @type {Uint32Array[]} */
  #ids = []
  /** @type {Uint32Array[]} */
  #counts = []

  /** @param {Uint32Array | Uint16Array} ids of the tokens of a document, in any order */
  add(ids) {
    const sorted = Uint32Array.from(ids).sort()
    let distinct = 0
    for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) distinct++
    const own = new Uint32Array(distinct)
    const counts = new Uint32Array(distinct)
    let at = -1
    for (let i = 0; i < sorted.length; i++) {
      if (i === 0 || sorted[i] !== sorted[i - 1]) own[++at] = sorted[i]
      counts[at]++
    }
    this.#ids.push(own)
    this.#counts.push(counts)
  }

  /** @param {Counts} other @param {number} document of it, to add here */
  copy(other, document) {
    const { ids, counts } = other.of(document)
    this.#ids.push(ids)
    this.#counts.push(counts)
  }

  get documents() {
    return this.#ids.length
  }

  /** @param {number} document */
  of(document) {
    return { ids: this.#ids[document], counts: this.#counts[document] }
  }

  /** @param {number} document @returns {number} how many tokens it has */
  tokensOf(document) {
    return this.#counts[document].reduce((a, b) => a + b, 0)
  }
}

/** Makes a row one of length 1. @param {Float32Array} values @param {number} from @param {number} to where it ends */
function scaleToOne(values, from, to) {
  let squares = 0
  for (let k = from; k < to; k++) squares += values[k] * values[k]
  const length = Math.sqrt(squares)
  for (let k = from; k < to; k++) values[k] /= length
}

/**
 * @typedef {object} Words
 * @property {Int32Array} ids of the tokens, in ascending order
 * @property {Float64Array} idf of each
 * @property {Sparse} features of the documents
 */

/**
 * @param {Counts} counts
 * @param {object} options
 * @param {number} options.vocabulary ids are below it
 * @param {number} options.limit most tokens to know: those in the most documents
 * @param {number} [options.minimum] documents that a token has to be in
 * @returns {Words} at power 1
 */
export function tfidf(counts, { vocabulary, limit, minimum = 1 }) {
  const { documents } = counts
  const frequency = new Uint32Array(vocabulary)
  for (let i = 0; i < documents; i++) for (const id of counts.of(i).ids) frequency[id]++
  const seen = []
  for (let id = 0; id < vocabulary; id++) if (frequency[id] >= minimum) seen.push(id)
  seen.sort((a, b) => frequency[b] - frequency[a] || a - b)
  const ids = Int32Array.from(seen.slice(0, limit)).sort()
  const idf = Float64Array.from(ids, (id) => log((1 + documents) / (1 + frequency[id])) + 1)

  const column = new Int32Array(vocabulary).fill(-1)
  ids.forEach((id, j) => { column[id] = j })
  const starts = new Float64Array(documents + 1)
  for (let i = 0; i < documents; i++) {
    let known = 0
    for (const id of counts.of(i).ids) if (column[id] >= 0) known++
    starts[i + 1] = starts[i] + known
  }
  const columns = new Uint32Array(starts[documents])
  const values = new Float32Array(starts[documents])
  for (let i = 0; i < documents; i++) {
    const { ids: own, counts: times } = counts.of(i)
    let at = starts[i]
    for (let k = 0; k < own.length; k++) {
      const j = column[own[k]]
      if (j < 0) continue
      columns[at] = j
      values[at++] = Math.sqrt(times[k]) * idf[j]
    }
    scaleToOne(values, starts[i], at)
  }
  return { ids, idf, features: new Sparse(starts, columns, values, ids.length) }
}

/**
 * @param {Words} words at power 1
 * @param {0.5 | 1.5} power of their IDF. Both need a square root and no more, which has the same bits everywhere
 * @returns {Words} the same at that power
 */
export function withPower({ ids, idf, features }, power) {
  const { starts, columns, values, width } = features
  const raised = idf.map((own) => power === 0.5 ? Math.sqrt(own) : own * Math.sqrt(own))
  const weighed = values.map((value, k) => value * (raised[columns[k]] / idf[columns[k]]))
  for (let i = 0; i + 1 < starts.length; i++) scaleToOne(weighed, starts[i], starts[i + 1])
  return { ids, idf: raised, features: new Sparse(starts, columns, weighed, width) }
}
