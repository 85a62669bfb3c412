/**
 * What it costs to read a document, in operations: multiply-adds, and for each probability of attention one exponential.
 */
import { LinformerError } from '../common/errors.js'
import { TILE } from './abi.js'

/**
 * @typedef {import('../index.js').Config} Config
 * @typedef {import('../index.js').HeadConfig} HeadConfig
 * @typedef {import('../index.js').TrunkConfig} TrunkConfig
 */

/** Most that `load` takes for one reading of a document, unless the caller allows more: hours on most machines. */
export const MAX_OPERATIONS = 1e13

/**
 * @param {TrunkConfig} config
 * @param {number} n tokens of the document
 * @returns {number}
 */
function trunkOperations(config, n) {
  const { d_model: d, d_ff: dFf, n_heads: nHeads, n_max: nMax, stem = 0 } = config
  let sum = n * 4 * d * stem
  for (const k of config.k) {
    const isFull = config.attention === 'full'
    // Linear projection has k rows whatever the document; the others one for each segment that holds a token.
    const keys = isFull ? n : config.projection === 'linear' ? k : Math.ceil(n / Math.floor(nMax / k))
    const separate = config.sharing === 'none' || config.sharing === 'headwise' ? 2 : 1
    const projected = separate * (config.sharing === 'none' ? nHeads : 1) * d * (config.projection === 'linear' ? k : 1)
    sum += n * (2 * d * d + 2 * d * dFf + (isFull ? 0 : projected)) + keys * 2 * d * d + n * keys * (2 * d + nHeads)
  }
  return sum
}

/**
 * What a head adds: each token's product with each label, and its share in a sum or a window's; with a word head also the search
 * for each token, and the labels' weights of each word that is there.
 *
 * @param {HeadConfig} config
 * @param {number} n tokens of the document
 * @returns {number}
 */
export function headOperations({ d_model: d, n_classes: nClasses, words = 0, window }, n) {
  const search = n * Math.ceil(Math.log2(words + 1))
  // Each token lies in two windows, which have words of their own.
  const sums = window === undefined ? words + Math.min(n, words) * nClasses : 2 * n * nClasses
  const wordHead = words === 0 ? 0 : search + sums
  return n * (d + 1) * nClasses + wordHead
}

/**
 * @param {TrunkConfig | Config} config of a trunk, or of a model with a head
 * @param {number} n tokens of the document
 * @returns {number}
 */
export function operationsOf(config, n) {
  return trunkOperations(config, n) + ('n_classes' in config ? headOperations(config, n) : 0)
}

/** Operations of a slice of work: a few milliseconds on most machines. */
const SLICE_OPERATIONS = 4e7

/** Most tiles of a slice. */
const MOST_TILES = 1024

const tilesFor = (/** @type {number} */ operations) => Math.max(1, Math.min(MOST_TILES, Math.floor(SLICE_OPERATIONS / operations)))

/**
 * Most tiles that a slice of work may have, one at least. The speed so far does not tell: the pass after the next tile may
 * cost a thousand times what the one before did.
 *
 * @param {TrunkConfig} config
 * @param {number} n tokens of the document
 * @returns {number}
 */
export const tilesOfSlice = (config, n) => tilesFor(trunkOperations(config, n) / Math.ceil(n / TILE) / config.k.length)

/**
 * The same of a head that reads: a tile of tokens, or as many words of its word head.
 *
 * @param {HeadConfig} config
 * @returns {number}
 */
export const tilesOfHeadSlice = ({ d_model: d, n_classes: nClasses }) => tilesFor(TILE * (d + 1) * nClasses)

/**
 * @param {{ operations: number, capacity: number }} reading of a document that fills the capacity
 * @param {{ maxOperations?: number }} options
 * @param {string} [what] does it
 * @throws {LinformerError} BUDGET_TOO_SMALL
 */
export function checkOperations({ operations, capacity }, { maxOperations: limit = MAX_OPERATIONS }, what = 'this model') {
  if (operations <= limit) return
  const message = `a document of ${capacity} tokens takes ${what} ${operations.toExponential(1)} operations; ${limit.toExponential(1)} are the most, ` +
    'and maxTokens makes them fewer, maxOperations allows more'
  throw new LinformerError('BUDGET_TOO_SMALL', message, { operations, limit, capacity })
}
