/**
 * This engine, onnxruntime-web and LiteRT.js over the same documents: time, result and memory.
 */
import { fileOf } from './files.js'
import { measure } from './rounds.js'

/**
 * @typedef {import('./engines.js').Variant} Variant
 * @typedef {import('./rounds.js').Measured} Measured
 */

const LONG = 8192
const ROUNDS_A_SESSION = 3

/** @param {number} n @param {'linformer' | 'full'} attention */
const shapeOf = (n, attention) => ({ attention, n_max: n, k: new Array(4).fill(Math.min(128, n)) })

/**
 * The variants of one length; the first is the one that others are compared with.
 *
 * @param {number} n
 * @param {{ exported?: string, page?: boolean, transformer?: boolean }} [options] exported: an ONNX file by training/export_onnx.py, beside the one by onnx.js;
 *   page: with LiteRT.js, which runs nowhere else; transformer: false leaves out the standard Transformer
 * @returns {Variant[]}
 */
export function variantsOf(n, { exported, page, transformer = true } = {}) {
  /** @type {Variant[]} */
  const variants = []
  const linformer = shapeOf(n, 'linformer')
  const full = shapeOf(n, 'full')
  const precisions = /** @type {const} */ (['float32', 'int8'])
  for (const precision of precisions) {
    for (const threads of [1, 2]) variants.push({ engine: 'onnxruntime-web', precision, threads, shape: linformer })
  }
  if (exported !== undefined) variants.push({ engine: 'onnxruntime-web', precision: 'float32', threads: 1, shape: linformer, file: exported })
  const litert = /** @type {const} */ ([['simd128', 1], ['relaxed', 1], ['relaxed', 2]]) // its simd128 has one thread
  for (const [backend, threads] of page ? litert : []) {
    for (const precision of precisions) variants.push({ engine: 'LiteRT.js', backend, precision, threads, shape: linformer })
  }
  for (const backend of /** @type {const} */ (['simd128', 'relaxed'])) {
    for (const precision of precisions) {
      for (const threads of [1, 2]) variants.push({ engine: 'linformer-wasm', backend, precision, threads, shape: linformer })
    }
  }
  if (!transformer) return variants
  for (const precision of precisions) variants.push({ engine: 'onnxruntime-web', precision, threads: 1, shape: full })
  for (const precision of precisions) variants.push({ engine: 'linformer-wasm', backend: 'relaxed', precision, threads: 1, shape: full })
  return variants
}

/** A run of a peer may take a minute, one of this engine a quarter of an hour: the standard Transformer of 65,536 tokens does. @param {Variant} variant */
const limitMs = ({ engine }) => engine === 'linformer-wasm' ? 900_000 : 60_000

/**
 * @param {import('./hosts.js').Host} host
 * @param {{ lengths: number[], rounds: number, progress: (text: string) => void, exported?: string, page: boolean, transformer: boolean, python?: string }} options
 * @returns {Promise<Measured[][]>} for each length
 */
export async function compare(host, { lengths, rounds, progress, exported, page, transformer, python }) {
  const all = []
  for (const n of lengths) {
    const variants = variantsOf(n, { exported, page, transformer })
    // Processes differ in where their memory lies, so short documents are measured in several of them.
    const sessions = n <= LONG ? Math.ceil(rounds / ROUNDS_A_SESSION) : 1
    const share = { rounds: n <= LONG ? Math.ceil(rounds / sessions) : Math.min(rounds, ROUNDS_A_SESSION), limitMs, fileOf: (/** @type {Variant} */ variant) => fileOf(variant, python), progress }
    const measured = await measure(host, variants, share)
    for (let session = 1; session < sessions; session++) {
      const more = await measure(host, variants.filter((_, i) => measured[i].failed === undefined), share)
      for (const { variant, times, wall, failed } of more) {
        const entry = measured[variants.indexOf(variant)]
        entry.times.push(...times)
        entry.wall.push(...wall)
        if (failed !== undefined) Object.assign(entry, { failed, times: [], wall: [] })
      }
    }
    all.push(measured)
  }
  return all
}
