/**
 * The mathematics of the chapter on low rank, in a worker: attention matrices of a document, their singular values and vectors, and
 * the same matrices from a few of these; and the real E of a model, with the tokens that it mixes.
 */
import { embed, readModel, runLayer, tokenIds } from '../chapters/attention.js'
import { changeRank, decompose, singularValues } from '../chapters/svd.js'
import { randomWeights } from '../bin/random-weights.js'
import { load, readSafetensors, tensorShapes, tensorValues, writeSafetensors } from '../wasm/index.js'
import { serve } from './serve.js'

/**
 * @typedef {object} Fold
 * @property {Float32Array} E [k, n]: of the first layer, keys, first head; n are the document's tokens, as far as E goes
 * @property {number} k
 * @property {number} nMax tokens that E has columns for
 * @property {Float32Array} picture [k, columns]: E with `per` tokens a column, the strongest of them
 * @property {number} columns
 * @property {number} per
 * @property {number} top value of the full colour
 * @property {string[]} pieces the tokens, as the text has them
 */

const library = { readSafetensors, tensorValues }
const CHARACTERS = 12 // of a text for each token, at most; only the beginning is needed

/** Trained; of the same shape and document, but with random weights; and the trained one with each row's numbers in another order. */
/** @typedef {'trained' | 'untrained' | 'shuffled'} Kind */
/** @typedef {{ kind: Kind, layer: number, head: number }} Which */

/** @type {{ file: string, bytes: ArrayBuffer } | undefined} */
let fetched
/** @type {{ n: number, ids: Int32Array, matrices: Map<string, Float64Array[][]>, values: Map<string, Float64Array> } | undefined} */
let document
/** The matrix that is shown. @type {{ name: string, matrix: Float64Array, terms: import('../chapters/svd.js').Decomposition, rebuilt: Float64Array, k: number } | undefined} */
let shown

/** @param {string} file address of a model */
async function fetchModel(file) {
  const response = await fetch(file)
  if (!response.ok) throw new Error(`the model could not be fetched: status ${response.status}`)
  return response.arrayBuffer()
}

/** The same, kept: it is wanted again with the next document. @param {string} file */
async function bytesOf(file) {
  if (fetched?.file !== file) fetched = { file, bytes: await fetchModel(file) }
  return fetched.bytes
}

/**
 * The first tokens of a text, as a model's tokenizer makes them.
 *
 * @param {ArrayBuffer} bytes of the model
 * @param {string} text
 * @param {number} most
 */
async function piecesOf(bytes, text, most) {
  const { metadata, tensors } = readSafetensors(bytes)
  const config = JSON.parse(metadata.config)
  /** @type {ArrayBuffer | Uint8Array} */
  let model = bytes
  if (config.n_classes === undefined) { // a trunk: tokens are told with an explanation, and that needs a head
    const zeros = (/** @type {number[]} */ shape) => ({ dtype: 'F32', shape, data: new Uint8Array(4 * shape.reduce((a, b) => a * b)) })
    const { kind: _, ...rest } = metadata
    model = writeSafetensors([...tensors, ['head.weight', zeros([2, config.d_model])], ['head.bias', zeros([2])]], {
      ...rest, config: JSON.stringify({ ...config, n_classes: 2 }), labels: '["a","b"]'
    })
  }
  const classifier = await load(model, { maxTokens: Math.min(most, config.n_max) })
  const lowercase = JSON.parse(classifier.metadata.tokenizer).lowercase === true
  const start = text.slice(0, most * CHARACTERS)
  const { explanation } = await classifier.classify(start, { explain: true, overflow: 'truncate' })
  classifier.dispose()
  return { start, lowercase, pieces: (explanation?.tokens ?? []).slice(0, most) }
}

/** @param {Which} which @returns {Float64Array} */
function matrixOf({ kind, layer, head }) {
  if (document === undefined || fetched === undefined) throw new Error('no document has been read')
  const { ids, n, matrices } = document
  if (kind === 'shuffled') return shuffled(matrixOf({ kind: 'trained', layer, head }), n)
  let all = matrices.get(kind)
  if (all === undefined) {
    const { config } = readModel(library, fetched.bytes)
    const bytes = kind === 'trained' ? fetched.bytes : randomWeights({ tensorShapes, writeSafetensors }, config).buffer
    const { weights } = readModel(library, bytes)
    const x = embed(config, weights, ids)
    all = Array.from({ length: config.n_layers }, (_, l) => runLayer(config, weights, l, x))
    matrices.set(kind, all)
  }
  return all[layer][head]
}

/** Each row's numbers in another order, the same one every time. @param {Float64Array} matrix @param {number} n */
function shuffled(matrix, n) {
  const made = matrix.slice()
  let state = 1
  for (let at = 0; at < n * n; at += n) {
    for (let j = n - 1; j > 0; j--) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      const other = (state >>> 0) % (j + 1)
      const kept = made[at + j]
      made[at + j] = made[at + other]
      made[at + other] = kept
    }
  }
  return made
}

serve({
  /**
   * @param {{ file: string, text: string, most: number }} what a model with full attention, and how many tokens
   * @param {(status: string) => void} say
   * @returns {Promise<{ pieces: string[], layers: number, heads: number }>}
   */
  async read({ file, text, most }, say) {
    say('Fetching the model with full attention…')
    const bytes = await bytesOf(file)
    say('Reading the document…')
    const { start, lowercase, pieces } = await piecesOf(bytes, text, most)
    const { config, weights } = readModel(library, bytes)
    const ids = tokenIds(start, pieces, weights, lowercase)
    document = { n: ids.length, ids, matrices: new Map(), values: new Map() }
    shown = undefined
    return { pieces: pieces.map(({ start: from, end }) => start.slice(from, end)), layers: config.n_layers, heads: config.n_heads }
  },

  /**
   * The matrix to show.
   *
   * @param {Which} which
   * @returns {{ matrix: Float32Array, values: Float64Array, top: number }} `top`: the value of the full colour, that of the strongest looks but
   *   for a few: one alone would make all others pale
   */
  matrix(which) {
    const matrix = matrixOf(which)
    const name = JSON.stringify(which)
    const n = Math.sqrt(matrix.length)
    if (shown?.name !== name) shown = { name, matrix, terms: decompose(matrix, n), rebuilt: new Float64Array(n * n), k: 0 }
    document?.values.set(name, shown.terms.values)
    const sorted = Float32Array.from(matrix).sort()
    return { matrix: Float32Array.from(matrix), values: shown.terms.values, top: sorted[Math.floor(0.998 * (sorted.length - 1))] }
  },

  /** @param {Which} which @returns {Float64Array} its singular values, descending */
  values(which) {
    const name = JSON.stringify(which)
    const known = document?.values.get(name)
    if (known !== undefined) return known
    const matrix = matrixOf(which)
    const n = Math.sqrt(matrix.length)
    const values = singularValues(matrix, n, n)
    document?.values.set(name, values)
    return values
  },

  /**
   * The shown matrix from its first k terms.
   *
   * @param {{ k: number }} what
   * @returns {{ k: number, rebuilt: Float32Array, off: number }} `off`: the share of a row's attention that lies elsewhere, on average
   */
  rebuild({ k }) {
    if (shown === undefined) throw new Error('no matrix is shown')
    const { matrix, terms, rebuilt } = shown
    changeRank(rebuilt, terms, shown.k, k)
    shown.k = k
    let off = 0
    for (let i = 0; i < matrix.length; i++) off += Math.abs(rebuilt[i] - matrix[i])
    return { k, rebuilt: Float32Array.from(rebuilt), off: off / 2 / Math.sqrt(matrix.length) }
  },

  /**
   * The E that folds a model's keys, and the tokens of a document that it folds.
   *
   * @param {{ file: string | Uint8Array<ArrayBuffer>, text: string, most: number }} what the model's address, or itself; and how many columns a
   *   picture of E may have
   * @returns {Promise<Fold>}
   */
  async fold({ file, text, most }) {
    const bytes = typeof file === 'string' ? await fetchModel(file) : file.slice().buffer
    const { config, weights } = readModel(library, bytes)
    const { start, pieces } = await piecesOf(bytes, text, config.n_max)
    const [k, nMax, n] = [config.k[0], config.n_max, Math.max(1, pieces.length)]
    const values = weights(config.sharing === 'layerwise' ? 'attn.E' : 'layers.0.attn.E').subarray(0, k * nMax) // of the first head, where each has its own
    const E = new Float32Array(k * n)
    const per = Math.ceil(n / most)
    const columns = Math.ceil(n / per)
    const picture = new Float32Array(k * columns)
    for (let r = 0; r < k; r++) {
      for (let t = 0; t < n; t++) {
        const value = values[r * nMax + t]
        const at = r * columns + Math.floor(t / per)
        E[r * n + t] = value
        if (Math.abs(value) > Math.abs(picture[at])) picture[at] = value
      }
    }
    const sorted = picture.map(Math.abs).sort()
    const top = sorted[Math.floor(0.998 * (sorted.length - 1))] || 1
    return { E, k, nMax, picture, columns, per, top, pieces: pieces.map(({ start: from, end }) => start.slice(from, end)) }
  }
})
