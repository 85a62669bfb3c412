/**
 * A shipped model in use, from its load on; runs in Node.js and in a page.
 */

/**
 * @typedef {{ tokens: number, text: string }} Text
 * @typedef {object} ModelRun
 * @property {number} loadMs
 * @property {number} firstMs from the call of `load` to the first label, or the first vector of a trunk
 * @property {{ tokens: number, classifyMs?: number, embedMs: number }[]} [speeds] medians for each text; a trunk has no labels
 */

const RUNS = 9
/** Shorter runs are repeated, and the time divided. */
const SHORT_MS = 20

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

/** Milliseconds of a call. @param {() => Promise<unknown>} call @param {number} repeat */
async function timed(call, repeat) {
  const started = performance.now()
  for (let left = repeat; left > 0; left--) await call()
  return (performance.now() - started) / repeat
}

/**
 * @param {typeof import('../wasm/index.js').load} load
 * @param {string} source
 * @param {Text} first
 * @param {Text[]} [texts] how long each takes, once all is warm
 * @returns {Promise<ModelRun>}
 */
export async function runModel(load, source, first, texts) {
  const started = performance.now()
  const classifier = await load(source)
  const loadMs = performance.now() - started
  const isTrunk = classifier.labels.length === 0
  await (isTrunk ? classifier.embed(first.text) : classifier.classify(first.text))
  /** @type {ModelRun} */
  const run = { loadMs, firstMs: performance.now() - started }
  if (texts === undefined) return run
  run.speeds = []
  for (const { tokens, text } of texts) {
    const calls = [() => classifier.embed(text), ...isTrunk ? [] : [() => classifier.classify(text)]]
    /** @type {number[][]} */
    const ms = calls.map(() => [])
    const repeats = []
    for (const call of calls) repeats.push(Math.ceil(SHORT_MS / await timed(call, 1)))
    for (let i = 0; i < RUNS; i++) {
      for (const [j, call] of calls.entries()) ms[j].push(await timed(call, repeats[j]))
    }
    run.speeds.push({ tokens, embedMs: median(ms[0]), classifyMs: isTrunk ? undefined : median(ms[1]) })
  }
  return run
}
