/**
 * Measures in a worker: the layerwise Linformer and the standard Transformer of the same shape, length by length. Its progress is
 * { at }, what is being measured and how far it is, and { point } for each measurement.
 *
 * @typedef {import('../wasm/index.js').Config} Config
 *
 * @typedef {object} Point
 * @property {number} n tokens
 * @property {Config['attention']} attention
 * @property {number} milliseconds of one classification, median
 * @property {number} workspace bytes for n tokens: all that the forward pass needs besides weights
 */
import { randomWeights } from '../bin/random-weights.js'
import { load, tensorShapes, writeSafetensors } from '../wasm/index.js'
import { serve } from './serve.js'

const RUNS = 3
const ENOUGH_MS = 2000 // no further run after this much time for one point

/**
 * @param {Config['attention']} attention
 * @param {number} n
 * @param {Partial<Config> & { n_layers: number }} shape
 * @param {number} k
 * @param {number} runs
 * @param {(event: unknown) => void} post
 * @returns {Promise<Point>}
 */
async function measure(attention, n, shape, k, runs, post) {
  const config = { ...shape, n_max: n, k: new Array(shape.n_layers).fill(Math.min(k, n)), attention }
  const classifier = await load(randomWeights({ tensorShapes, writeSafetensors }, config), { threads: 1 })
  const text = 'x'.repeat(n) // this model's tokens are bytes
  const times = []
  let told = 0
  while (times.length < runs) {
    const started = performance.now()
    await classifier.classify(text, {
      onProgress({ phase, done, total }) {
        if (phase !== 'encode' || performance.now() - told < 100) return
        told = performance.now()
        post({ at: { attention, n, share: done / (total ?? n) } })
      }
    })
    times.push(performance.now() - started)
    if (times.reduce((a, b) => a + b) > ENOUGH_MS) break
  }
  const { workspace } = classifier.memory
  classifier.dispose()
  times.sort((a, b) => a - b)
  return { n, attention, milliseconds: times[Math.floor(times.length / 2)], workspace }
}

serve({
  /** @param {{ lengths: number[], shape: Partial<Config> & { n_layers: number }, k: number }} what */
  async measure({ lengths, shape, k }, post) {
    const kinds = /** @type {const} */ (['linformer', 'full'])
    // The first classifications run on code that the browser has not optimised yet.
    for (const attention of kinds) await measure(attention, 512, shape, k, RUNS, post)
    for (const n of lengths) {
      for (const attention of kinds) {
        post({ at: { attention, n, share: 0 } })
        post({ point: await measure(attention, n, shape, k, RUNS, post) })
      }
    }
  }
})
