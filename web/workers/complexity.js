/**
 * Times the layerwise Linformer and the standard Transformer of the same shape, in a worker: length by length, or one of the two in
 * a race, of which each has a worker of its own.
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
import { K, SHAPE } from '../chapters/shape.js'
import { load, tensorShapes, writeSafetensors } from '../wasm/index.js'
import { serve } from './serve.js'

const RUNS = 3
const ENOUGH_MS = 2000 // no further run after this much time for one point
const WARM_UP = 512 // tokens; the first classifications run on code that the browser has not optimised yet
const TOLD_EVERY_MS = 30

/** @param {Config['attention']} attention @param {number} n */
function open(attention, n) {
  const config = { ...SHAPE, n_max: n, k: new Array(SHAPE.n_layers).fill(Math.min(K, n)), attention, positions: /** @type {const} */ ('none') }
  return load(randomWeights({ tensorShapes, writeSafetensors }, config), { threads: 1, maxOperations: Number.MAX_SAFE_INTEGER })
}

/**
 * One reading of a document of n tokens.
 *
 * @param {import('../wasm/index.js').Classifier} classifier
 * @param {number} n
 * @param {(share: number, milliseconds: number) => void} say how far it is, in tiles, and since when
 * @returns {Promise<number>} milliseconds
 */
async function read(classifier, n, say) {
  const started = performance.now()
  let told = 0
  await classifier.classify('x'.repeat(n), { // this model's tokens are bytes
    onProgress({ phase, done, total }) {
      const now = performance.now()
      if (phase !== 'encode' || now - told < TOLD_EVERY_MS) return
      told = now
      say(done / (total ?? n), now - started)
    }
  })
  return performance.now() - started
}

/**
 * @param {Config['attention']} attention
 * @param {number} n
 * @param {number} runs
 * @param {(event: unknown) => void} post
 * @returns {Promise<Point>}
 */
async function measure(attention, n, runs, post) {
  const classifier = await open(attention, n)
  const times = []
  while (times.length < runs) {
    times.push(await read(classifier, n, (share) => post({ at: { attention, n, share } })))
    if (times.reduce((a, b) => a + b) > ENOUGH_MS) break
  }
  const { workspace } = classifier.memory
  classifier.dispose()
  times.sort((a, b) => a - b)
  return { n, attention, milliseconds: times[Math.floor(times.length / 2)], workspace }
}

/** The runner of a race. @type {{ classifier: import('../wasm/index.js').Classifier, n: number } | undefined} */
let runner

serve({
  /** Its progress is { at }, what is being measured and how far it is, and { point }. @param {{ lengths: number[], runs?: number }} what */
  async measure({ lengths, runs = RUNS }, post) {
    const kinds = /** @type {const} */ (['linformer', 'full'])
    for (const attention of kinds) await measure(attention, WARM_UP, runs, post)
    for (const n of lengths) {
      for (const attention of kinds) {
        post({ at: { attention, n, share: 0 } })
        post({ point: await measure(attention, n, runs, post) })
      }
    }
  },

  /** @param {{ attention: Config['attention'], n: number }} what @returns {Promise<number>} bytes of the workspace */
  async prepare({ attention, n }) {
    const classifier = await open(attention, n)
    for (let run = 0; run < RUNS; run++) await read(classifier, Math.min(n, WARM_UP), () => {})
    runner = { classifier, n }
    return classifier.memory.workspace
  },

  /** @returns {Promise<number>} milliseconds; its progress is { share, milliseconds } */
  async run(_, post) {
    if (runner === undefined) throw new Error('there is nobody at the start')
    return read(runner.classifier, runner.n, (share, milliseconds) => post({ share, milliseconds }))
  }
})
