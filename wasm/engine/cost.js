/**
 * What it costs to read a document, in operations: multiply-adds, and for each probability of attention one exponential.
 */
import { LinformerError } from '../common/errors.js'
import { TILE } from './abi.js'

/** Most that `load` takes for one reading of a document, unless the caller allows more: hours on most machines. */
export const MAX_OPERATIONS = 1e13

/**
 * @param {import('../index.js').Config} config
 * @param {number} n tokens of the document
 * @returns {number}
 */
export function operationsOf(config, n) {
  const { d_model: d, d_ff: dFf, n_heads: nHeads, n_max: nMax, n_classes: nClasses = 0, stem = 0 } = /** @type {any} */ (config)
  let sum = n * (4 * d * stem + d * nClasses)
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

/** Operations of a slice of work: a few milliseconds on most machines. */
const SLICE_OPERATIONS = 4e7

/**
 * Most tiles that a slice of work may have, one at least. The speed so far does not tell: the pass after the next tile may
 * cost a thousand times what the one before did.
 *
 * @param {import('../index.js').Config} config
 * @param {number} n tokens of the document
 * @returns {number}
 */
export function tilesOfSlice(config, n) {
  const tile = operationsOf(config, n) / Math.ceil(n / TILE) / config.k.length
  return Math.max(1, Math.min(1024, Math.floor(SLICE_OPERATIONS / tile)))
}

/**
 * @param {import('../index.js').MemoryReport} report of the plan
 * @param {{ maxOperations?: number }} options
 * @throws {LinformerError} BUDGET_TOO_SMALL
 */
export function checkOperations({ operations, capacity }, { maxOperations: limit = MAX_OPERATIONS }) {
  if (operations <= limit) return
  const message = `a document of ${capacity} tokens takes this model ${operations.toExponential(1)} operations; ${limit.toExponential(1)} are the most, ` +
    'and maxTokens makes them fewer, maxOperations allows more'
  throw new LinformerError('BUDGET_TOO_SMALL', message, { operations, limit, capacity })
}
