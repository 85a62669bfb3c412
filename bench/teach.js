/**
 * How long teaching takes. Reading: tokens of a chapter that the trunk embeds. The fit, once the documents have been read: made-up vectors
 * and words, labels that they tell apart. Processor time is told too, since another program may want the same core.
 *
 *     node bench/teach.js
 */
import { readFileSync } from 'node:fs'
import { load } from '../wasm/node.js'
import { fit } from '../wasm/teach/fit.js'
import { hashOf } from '../wasm/teach/folds.js'
import { sketchOfWords } from '../wasm/teach/near-duplicates.js'
import { Counts } from '../wasm/teach/words.js'

const WIDTH = 256
const VOCABULARY = 16_384
const TOKENS = 150 // of a document

/** The same numbers each time (Marsaglia's xorshift), from 0 to 1. @param {number} seed */
function randomNumbers(seed) {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** @param {number} n @param {number} classes */
function madeUp(n, classes) {
  const random = randomNumbers(1)
  const centres = Float64Array.from({ length: classes * WIDTH }, () => random() - 0.5)
  const hashes = Array.from({ length: n }, (_, i) => hashOf(`document ${i}`)).sort()
  const label = Int32Array.from({ length: n }, (_, i) => i % classes)
  const vectors = new Float32Array(n * WIDTH)
  const counts = new Counts()
  const sketches = []
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < WIDTH; j++) vectors[i * WIDTH + j] = 0.3 * centres[label[i] * WIDTH + j] + random() - 0.5
    // Word frequencies fall off as those of a language do; every tenth word is one that its label likes.
    const ids = Uint32Array.from({ length: TOKENS }, (_, t) => {
      const rank = Math.floor(VOCABULARY ** random()) - 1
      return t % 10 === 0 ? (rank * classes + label[i]) % VOCABULARY : rank
    })
    counts.add(ids)
    sketches.push(sketchOfWords(ids))
  }
  return {
    vectors, width: WIDTH, counts, vocabulary: VOCABULARY, hashes, sketches, indices: [...hashes.keys()],
    targets: { kind: /** @type {const} */ ('one'), classes, label }, labels: Array.from({ length: classes }, (_, c) => `label ${c}`)
  }
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, seconds: number, busy: number }>} busy: of all the process's threads
 */
async function timed(work) {
  const started = performance.now()
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return { result, seconds: (performance.now() - started) / 1000, busy: (user + system) / 1e6 }
}

const TIMES = 5 // that the chapter is read, after one that is not counted
const trunk = await load('general')
const chapter = readFileSync(new URL('../web/samples/chapter.txt', import.meta.url), 'utf8')
let tokens = 0
await trunk.embed(chapter, { onProgress: ({ phase, total }) => { if (phase === 'encode') tokens = total ?? 0 } })
const reading = await timed(async () => { for (let i = 0; i < TIMES; i++) await trunk.embed(chapter) })
const rate = (/** @type {number} */ seconds) => Math.round((TIMES * tokens) / seconds).toLocaleString('en-US')
console.log(`embedding ${tokens} tokens at once, one thread: ${rate(reading.seconds)} tokens a second, ${rate(reading.busy)} in a second of processor time`)
trunk.dispose()

for (const [classes, n] of [[2, 16], [5, 40], [5, 320], [4, 1000], [20, 10_000]]) {
  const examples = madeUp(n, classes)
  const { result: { report }, seconds, busy } = await timed(() => fit(examples, async () => {}))
  console.log(`${n} examples, ${classes} labels: ${seconds.toFixed(2)} s (${busy.toFixed(2)} s of processor time), accuracy ${report.accuracy.value.toFixed(3)}`)
}
