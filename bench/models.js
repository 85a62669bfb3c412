/**
 * The models that ship: what they cost to load, what they do in a second, what memory they take, and what of the time goes into the
 * parts that a plain Linformer does not have.
 */
import { resolve } from 'node:path'
import { inspect, load, shippedModels } from '../wasm/node.js'
import { fileOf } from './files.js'
import { folder } from './install.js'
import { measure } from './rounds.js'
import { shippedText } from './shipped.js'
import { MODEL } from './start.js'
import { summarise } from './statistics.js'
import { randomNumbers } from './text.js'

/**
 * @typedef {import('./statistics.js').Summary} Summary
 * @typedef {object} Shipped
 * @property {string} name
 * @property {string} kind model, head or trunk
 * @property {Summary} loadMs
 * @property {Summary} firstMs from the call of `load` to the first label, or the first vector of a trunk
 * @property {NonNullable<import('./model-run.js').ModelRun['speeds']>} speeds
 * @property {{ capacity: number, total: number }[]} memory bytes of all linear memory; a head's with its trunk
 */

const SHORT = 100
const LIMIT_MS = 120_000

const pathOf = (/** @type {string} */ name) => resolve(folder, `../models/${name}.safetensors`)

/** The model itself, or a head's trunk. @param {string} name */
async function trunkOf(name) {
  const { kind, metadata, headRoom } = await inspect(name)
  return { kind, trunk: kind === 'head' ? metadata.trunk_name : name, options: kind === 'head' ? { headRoom } : {} }
}

/** A text of random words, of so many tokens at most, and nearly. @param {string} name of the model whose tokens they are @param {number} tokens @returns {Promise<import('./model-run.js').Text>} */
async function textOf(name, tokens) {
  const counter = await load(name, { maxTokens: 1 })
  const words = shippedText(MODEL, tokens * 12, randomNumbers(3)).split(' ')
  const count = async (/** @type {number} */ used) => (await counter.classify(words.slice(0, used).join(' '), { overflow: 'truncate' })).tokens
  let [low, high] = [1, words.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (await count(middle) <= tokens) low = middle
    else high = middle
  }
  const found = { tokens: await count(low), text: words.slice(0, low).join(' ') }
  counter.dispose()
  return found
}

/**
 * What the stem takes: the trunk's shape with and without it, random weights.
 *
 * @param {import('./hosts.js').Host} host
 * @param {{ rounds: number, progress: (text: string) => void }} options
 * @returns {Promise<number>} share of the time
 */
async function stemShare(host, { rounds, progress }) {
  const { stem, n_classes, ...config } = /** @type {import('../wasm/index.js').Config} */ ((await inspect('general')).config)
  const shape = { ...config, n_max: 4096 }
  const variants = [{ ...shape, stem }, shape].map((each) =>
    ({ engine: /** @type {const} */ ('linformer-wasm'), backend: /** @type {const} */ ('relaxed'), precision: /** @type {const} */ ('int8'), threads: 1, shape: each }))
  const measured = await measure(host, variants, { rounds, limitMs: () => LIMIT_MS, fileOf, progress })
  const [whole, without] = measured.map(({ times, failed }) => {
    if (times.length === 0) throw new Error(`models: the trunk's shape: ${failed}`)
    return Math.min(...times)
  })
  return 1 - without / whole
}

/**
 * @param {import('./hosts.js').Host} host
 * @param {{ rounds: number, progress: (text: string) => void }} options
 * @returns {Promise<{ models: Shipped[], stem: number }>} stem: its share of the trunk's time
 */
export async function measureModels(host, { rounds, progress }) {
  /** @type {Shipped[]} */
  const models = []
  for (const name of shippedModels) {
    const { kind, trunk, options } = await trunkOf(name)
    const counter = kind === 'trunk' ? 'subjects' : name
    const { memory } = await inspect(trunk, options)
    const capacity = /** @type {number} */ (memory.at(-1)?.capacity)
    const short = await textOf(counter, SHORT)
    const texts = [short, await textOf(counter, 1000), await textOf(counter, capacity)]
    /** @type {import('./model-run.js').ModelRun[]} */
    const runs = []
    for (let round = 0; round < rounds; round++) {
      progress(`models: ${name}, round ${round + 1} of ${rounds}`)
      const worker = await host.start()
      const { run, failed } = await worker.ask({ type: 'model', file: pathOf(name), first: short, texts: round === rounds - 1 ? texts : undefined }, LIMIT_MS)
      await worker.stop()
      if (run === undefined) throw new Error(`models: ${name}: ${failed}`)
      runs.push(run)
    }
    models.push({
      name, kind, loadMs: summarise(runs.map(({ loadMs }) => loadMs)), firstMs: summarise(runs.map(({ firstMs }) => firstMs)),
      speeds: runs.at(-1)?.speeds ?? [], memory: memory.map(({ capacity, total }) => ({ capacity, total }))
    })
  }
  return { models, stem: await stemShare(host, { rounds, progress }) }
}
