#!/usr/bin/env node
/**
 * Throughput and memory of a server: `node bench/servers.js [--model sentiment] [--tokens 1000] [--counts 1,2,4] [--seconds 10]`.
 *
 * Documents of one length are classified as fast as possible by one, two and more classifiers: each in a process of its own, or each in
 * a worker (linformer-wasm/worker) of one process; and by one classifier with as many threads. Prints a Markdown table. On a machine that
 * is busy with other work, documents a second of processor time are what can be compared.
 */
import { fork } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { load } from '../wasm/node.js'
import { load as loadInWorker } from '../wasm/worker-node.js'

/**
 * @typedef {object} Task
 * @property {string} model
 * @property {number} tokens of each document, about
 * @property {number} seconds
 * @property {number} workers that the process has; 0: it classifies itself
 * @property {number} threads of each classifier
 *
 * @typedef {{ documents: number, seconds: number, cpu: number, rss: number, linear: number, tokens: number }} Measured seconds of the clock
 *   and of processors, bytes, and tokens of a document
 */

const MIB = 2 ** 20

/** @param {number} tokens */
const documentOf = (tokens) => 'The plot is thin, but the cast is wonderful and I would see it again. '.repeat(Math.ceil(tokens / 17))

/**
 * Measures in this process.
 *
 * @param {Task} task
 * @param {() => Promise<void>} whenAllAreReady
 * @returns {Promise<Measured>}
 */
async function measure({ model, tokens, seconds, workers, threads }, whenAllAreReady) {
  const begin = workers === 0 ? load : loadInWorker
  const classifiers = await Promise.all(Array.from({ length: Math.max(1, workers) }, () => begin(model, { threads })))
  const text = documentOf(tokens)
  const results = await Promise.all(classifiers.map((classifier) => classifier.classify(text)))
  await whenAllAreReady()
  const start = performance.now()
  const before = process.cpuUsage()
  let documents = 0
  await Promise.all(classifiers.map(async (classifier) => {
    while (performance.now() - start < seconds * 1000) {
      await classifier.classify(text)
      documents++
    }
  }))
  const took = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  const linear = classifiers.reduce((sum, { memory }) => sum + memory.total, 0)
  const { rss } = process.memoryUsage()
  for (const classifier of classifiers) classifier.dispose()
  return { documents, seconds: took, cpu: (user + system) / 1e6, rss, linear, tokens: results[0].tokens }
}

/**
 * Measures in processes of their own, which begin together.
 *
 * @param {number} count
 * @param {Task} task
 * @returns {Promise<Measured[]>}
 */
async function inProcesses(count, task) {
  const children = Array.from({ length: count }, () => fork(fileURLToPath(import.meta.url), [JSON.stringify(task)]))
  /** @param {import('node:child_process').ChildProcess} child @returns {Promise<any>} */
  const said = (child) => new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (status) => reject(new Error(`a process ended with ${status}`)))
  })
  await Promise.all(children.map(said))
  const answers = Promise.all(children.map(said))
  for (const child of children) child.send('go')
  return answers
}

async function child(/** @type {Task} */ task) {
  const measured = await measure(task, async () => {
    const go = new Promise((resolve) => process.once('message', resolve))
    process.send?.('ready')
    await go
  })
  process.send?.(measured, () => process.exit())
}

async function main() {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'sentiment' }, tokens: { type: 'string', default: '1000' },
      counts: { type: 'string', default: '1,2,4' }, seconds: { type: 'string', default: '10' }
    }
  })
  const counts = values.counts.split(',').map(Number)
  const numbers = [...counts, Number(values.tokens), Number(values.seconds)]
  if (!numbers.every((number) => number > 0)) {
    console.error('servers: --counts, --tokens and --seconds are numbers above 0')
    process.exit(2)
  }
  const task = { model: values.model, tokens: Number(values.tokens), seconds: Number(values.seconds), workers: 0, threads: 1 }
  /** @type {[string, (count: number) => Promise<Measured[]>][]} */
  const ways = [
    ['process(es)', (count) => inProcesses(count, task)],
    ['worker(s) of one process', (count) => inProcesses(1, { ...task, workers: count })],
    ['thread(s) of one classifier', (count) => inProcesses(1, { ...task, threads: count })]
  ]
  /** @type {string[]} */
  const rows = []
  let tokens = 0
  for (const [name, way] of ways) {
    for (const count of counts) {
      const measured = await way(count)
      tokens = measured[0].tokens
      const sum = (/** @type {(each: Measured) => number} */ of) => measured.reduce((total, each) => total + of(each), 0)
      const rate = sum(({ documents, seconds }) => documents / seconds)
      const perCpu = sum(({ documents }) => documents) / sum(({ cpu }) => cpu)
      rows.push(`| ${count} ${name} | ${rate.toFixed(1)} | ${perCpu.toFixed(0)} | ${(sum(({ rss }) => rss) / MIB).toFixed(0)} MiB | ${(sum(({ linear }) => linear) / MIB).toFixed(1)} MiB |`)
    }
  }
  console.log(`${values.model}, documents of ${tokens} tokens, Node.js ${process.versions.node}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown kind'}, ${task.seconds} s each:\n`)
  console.log('| classifiers | documents a second | a second of processor | resident memory, together | linear memory, together |\n|---|---|---|---|---|')
  console.log(rows.join('\n'))
}

if (process.send && process.argv[2]) await child(JSON.parse(process.argv[2]))
else await main()
