/**
 * Table 3 of the paper in this engine: time and memory that a layerwise Linformer saves against a standard Transformer
 * of the same size, for each length n and projected length k. Memory is what one document adds to the weights, as the
 * paper's is: theirs is read off the largest batch that fits.
 */
import { inspect } from '../wasm/node.js'
import { PAPER, PAPER_KS } from '../web/chapters/paper.js'
import { fileOf } from './files.js'
import { measure } from './rounds.js'
import { ratio } from './statistics.js'

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
  for (const [n, row] of PAPER) {
    if (!lengths.includes(n)) continue
    /** @param {'linformer' | 'full'} attention @param {number} k @returns {import('./engines.js').Variant} */
    const variant = (attention, k) => ({
      engine: 'linformer-wasm', backend: 'relaxed', precision: 'float32', threads: 1, shape: { attention, n_max: n, k: new Array(4).fill(k) }
    })
    const variants = [variant('full', 128), ...row.map((_, i) => variant('linformer', PAPER_KS[i]))]
    const measured = await measure(host, variants, { rounds, limitMs: () => 900_000, fileOf, progress })
    const workspaces = await Promise.all(variants.map((of) => workspace(of)))
    for (const [i, paper] of row.entries()) {
      cells.push({
        n, k: PAPER_KS[i], paper, time: ratio(measured[0].times, measured[i + 1].times),
        memory: workspaces[0] / workspaces[i + 1], scores: (workspaces[0] + 4 * HEADS * n * n) / workspaces[i + 1]
      })
    }
  }
  return cells
}

/** Bytes that one document needs. @param {import('./engines.js').Variant} variant */
async function workspace(variant) {
  const { precision, threads } = variant
  return (await inspect(fileOf(variant), { precision, threads })).chosen?.workspace ?? NaN
}
