/**
 * Table 3 of the paper in this engine: time and memory that a layerwise Linformer saves against a standard Transformer
 * of the same size, for each length n and projected length k. Memory is what one document adds to the weights, as the
 * paper's is: theirs is read off the largest batch that fits.
 */
import { inspect } from '../wasm/node.js'
import { fileOf } from './files.js'
import { measure } from './rounds.js'
import { ratio } from './statistics.js'

/** Wang et al. 2020, table 3, left and right: time and memory saved for k of 128, 256, 512, 1024, 2048. */
export const PAPER = {
  512: [[1.5, 1.7], [1.3, 1.5]],
  1024: [[1.7, 3.0], [1.6, 2.9], [1.3, 1.8]],
  2048: [[2.6, 6.1], [2.4, 5.6], [2.1, 3.6], [1.3, 2.0]],
  4096: [[3.4, 14], [3.2, 13], [2.8, 8.3], [2.2, 4.3], [1.3, 2.3]],
  8192: [[5.5, 28], [5.0, 26], [4.4, 17], [3.5, 8.5], [2.1, 4.5]],
  16384: [[8.6, 56], [7.8, 48], [7.0, 32], [5.6, 16], [3.3, 8]],
  32768: [[13, 56], [12, 48], [11, 36], [8.8, 18], [5.0, 16]],
  65536: [[20, 60], [18, 52], [16, 40], [14, 20], [7.9, 18]]
}

export const KS = [128, 256, 512, 1024, 2048]

const HEADS = 4

/**
 * @typedef {object} Cell
 * @property {number} n
 * @property {number} k
 * @property {import('./statistics.js').Summary} [time] saved: the standard Transformer's over the Linformer's
 * @property {number} memory saved: workspace over workspace
 * @property {number} scores saved, if the standard Transformer also held the n x n scores of one layer, as the paper's does
 * @property {number[]} paper time and memory
 */

/**
 * @param {import('./hosts.js').Host} host
 * @param {{ lengths: number[], rounds: number, progress: (text: string) => void }} options
 * @returns {Promise<Cell[]>}
 */
export async function table3(host, { lengths, rounds, progress }) {
  /** @type {Cell[]} */
  const cells = []
  for (const [length, row] of Object.entries(PAPER)) {
    const n = Number(length)
    if (!lengths.includes(n)) continue
    /** @param {'linformer' | 'full'} attention @param {number} k @returns {import('./engines.js').Variant} */
    const variant = (attention, k) => ({
      engine: 'linformer-wasm', backend: 'relaxed', precision: 'float32', threads: 1, shape: { attention, n_max: n, k: new Array(4).fill(k) }
    })
    const variants = [variant('full', 128), ...row.map((_, i) => variant('linformer', KS[i]))]
    const measured = await measure(host, variants, { rounds, limitMs: () => 900_000, fileOf, progress })
    const workspaces = await Promise.all(variants.map((of) => workspace(of)))
    for (const [i, paper] of row.entries()) {
      cells.push({
        n, k: KS[i], paper, time: ratio(measured[0].times, measured[i + 1].times),
        memory: workspaces[0] / workspaces[i + 1], scores: (workspaces[0] + 4 * HEADS * n * n) / workspaces[i + 1]
      })
    }
  }
  return cells
}

/** Bytes that one document needs. @param {import('./engines.js').Variant} variant */
async function workspace(variant) {
  const { precision, threads } = variant
  return (await inspect(fileOf(variant), /** @type {any} */ ({ precision, threads }))).chosen.workspace
}
