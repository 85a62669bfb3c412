/**
 * Where the time goes, stage by stage, through the public API alone: a model is measured beside the same model with one
 * dimension changed, and the difference is the time of what that dimension sizes. Works for every backend and precision.
 * Differences are taken between the shortest times, which other processes and the garbage collector disturb least.
 */
import { fileOf } from './files.js'
import { stages as counted } from './operations.js'
import { measure } from './rounds.js'

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {number} ms
 * @property {number} operations of its matrix products
 * @property {number} exponentials
 * @property {number} bytes that pass between caches and memory, at the least
 */

const LAYERS = 4
const K = 128
const D_FF = 512

/**
 * @param {import('./hosts.js').Host} host
 * @param {{ n: number, rounds: number, backend: 'relaxed' | 'simd128', precision: 'float32' | 'int8', progress: (text: string) => void }} options
 * @returns {Promise<{ total: number, stages: Stage[] } | undefined>} undefined: not available here
 */
export async function measureStages(host, { n, rounds, backend, precision, progress }) {
  const base = { attention: /** @type {const} */ ('linformer'), n_max: n, k: new Array(LAYERS).fill(K), d_ff: D_FF, n_layers: LAYERS }
  const shapes = [
    base,
    { ...base, d_ff: 2 * D_FF },
    { ...base, k: new Array(LAYERS).fill(2 * K) },
    { ...base, projection: /** @type {const} */ ('mean') }
  ]
  const variants = shapes.map((shape) => ({ engine: /** @type {const} */ ('linformer-wasm'), backend, precision, threads: 1, shape }))
  const measured = await measure(host, variants, { rounds, limitMs: () => 120_000, fileOf, progress })
  if (measured.some(({ failed }) => failed !== undefined)) return undefined

  const config = /** @type {any} */ ({ d_model: 128, n_heads: 4, n_classes: 2, projection: 'linear', ...base })
  const count = counted(config, precision === 'int8' ? 1 : 4)
  const [all, wide, long, mean] = measured.map(({ times }) => Math.min(...times))
  const feedForward = wide - all
  const projection = all - mean // less the n x d_model additions of the mean
  const attention = long - all - projection
  /** @type {[string, number, (keyof typeof count)[]][]} */
  const parts = [
    ['feed-forward', feedForward, ['feed-forward']],
    ['attention: scores, softmax, context', attention, ['attention']],
    ['projection: E h', projection, ['projection']],
    ['the rest: query and output, keys and values, norms, embedding, tokenizer, head', all - feedForward - attention - projection, ['query and output', 'keys and values', 'embed', 'head']]
  ]
  return {
    total: all,
    stages: parts.map(([name, ms, names]) => ({
      name,
      ms,
      operations: names.reduce((sum, key) => sum + count[key].operations, 0),
      exponentials: names.reduce((sum, key) => sum + count[key].exponentials, 0),
      bytes: names.reduce((sum, key) => sum + count[key].bytes, 0)
    }))
  }
}
