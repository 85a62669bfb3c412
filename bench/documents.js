/**
 * Many short documents, one way after another, each in a process of its own: through the library, in workers, through the command line,
 * and by what people would take instead.
 */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { load } from '../wasm/node.js'
import { fileAt } from './files.js'
import { folder, nodePath } from './install.js'
import { shippedText } from './shipped.js'
import { MODEL } from './start.js'
import { randomNumbers } from './text.js'

/**
 * @typedef {import('./documents-child.js').Way} Way
 * @typedef {import('./documents-child.js').Document} Document
 * @typedef {import('./documents-child.js').Rate} Rate
 * @typedef {{ way: Way } & Partial<import('./documents-child.js').Answer> & { missing?: string }} Measured missing: what has to be there first
 * @typedef {{ name: string, documents: number, seconds: number }} Command seconds from its start to its end
 */

const COUNT = 10_000
/** Words of the documents of one length each: 20 to 200 tokens. */
const WORDS = [16, 40, 80, 160]
const SAMPLES = 64

/** @type {Way[]} */
const WAYS = [
  { name: 'general, embed', engine: 'linformer-wasm', call: 'embed', threads: 1 },
  { name: 'general, embed, 2 threads', engine: 'linformer-wasm', call: 'embed', threads: 2 },
  { name: 'general, embed, in 2 workers', engine: 'linformer-wasm', call: 'embed', threads: 1, workers: 2 },
  { name: 'sentiment, classify', engine: 'linformer-wasm', call: 'classify', threads: 1 },
  { name: 'sentiment, classify, 2 threads', engine: 'linformer-wasm', call: 'classify', threads: 2 },
  { name: 'sentiment, classify, in 2 workers', engine: 'linformer-wasm', call: 'classify', threads: 1, workers: 2 },
  { name: 'MiniLM int8, onnxruntime-web', engine: 'onnxruntime-web', call: 'embed', threads: 1 },
  { name: 'MiniLM int8, onnxruntime-web, 2 threads', engine: 'onnxruntime-web', call: 'embed', threads: 2 },
  { name: 'MiniLM int8, onnxruntime-node', engine: 'onnxruntime-node', call: 'embed', threads: 1 },
  { name: 'MiniLM int8, onnxruntime-node, batches of 16', engine: 'onnxruntime-node', call: 'embed', threads: 1, batch: 16 },
  { name: 'MiniLM int8, onnxruntime-node, 2 threads', engine: 'onnxruntime-node', call: 'embed', threads: 2 },
  { name: 'static table', engine: 'static table', call: 'embed', threads: 1 }
]

/** Documents, with their tokens counted. @param {number[]} words of each @returns {Promise<Document[]>} */
async function documentsOf(words) {
  const random = randomNumbers(7)
  // Words are drawn once, and put together again for each document.
  const pool = shippedText(MODEL, 400_000, random).split(' ')
  const counter = await load('subjects', { maxTokens: 1 })
  /** @type {Document[]} */
  const documents = []
  for (const count of words) {
    const from = Math.floor((1 + random()) / 2 * (pool.length - count))
    const text = pool.slice(from, from + count).join(' ')
    documents.push({ text, tokens: (await counter.classify(text, { overflow: 'truncate' })).tokens })
  }
  counter.dispose()
  return documents
}

/** @param {import('./documents-child.js').Task} task @returns {Promise<import('./documents-child.js').Answer>} */
async function measure(task) {
  const child = fork(`${folder}documents-child.js`, { execPath: nodePath(), stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  child.send(task)
  const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit').then(([status, signal]) => {
    throw new Error(`documents: the process of ${task.way.name} ended with ${signal ?? status}`)
  })])
  return answer
}

/** The command line over all documents. @param {Document[]} documents @param {number} threads @returns {Promise<Command>} */
async function command(documents, threads) {
  const file = fileAt('documents.jsonl')
  writeFileSync(file, documents.map(({ text }, id) => `${JSON.stringify({ id, text })}\n`).join(''))
  const args = ['classify', '--jsonl', '--threads', `${threads}`, file]
  const start = performance.now()
  const { stdout } = await promisify(execFile)(nodePath(), [resolve(folder, '../bin/linformer.js'), ...args], { maxBuffer: 2 ** 28 })
  const seconds = (performance.now() - start) / 1000
  return { name: `linformer classify --jsonl --threads ${threads}`, documents: stdout.trim().split('\n').length, seconds }
}

/**
 * @param {{ quick: boolean, progress: (text: string) => void }} options
 * @returns {Promise<{ lengths: number[], ways: Measured[], commands: Command[] }>} lengths: tokens
 */
export async function measureDocuments({ quick, progress }) {
  const seconds = quick ? 0.5 : 1
  const random = randomNumbers(5)
  progress('documents: making them')
  const documents = await documentsOf(Array.from({ length: COUNT }, () => Math.floor(16 + 72 * (1 + random()))))
  const lengths = await Promise.all(WORDS.map((words) => documentsOf(new Array(SAMPLES).fill(words))))
  /** @type {Measured[]} */
  const ways = []
  for (const way of WAYS) {
    progress(`documents: ${way.name}`)
    const isMiniLm = way.engine.startsWith('onnxruntime')
    if (isMiniLm && !existsSync(fileAt('minilm.onnx'))) ways.push({ way, missing: 'not available: bench/minilm.py says how to get the model' })
    else ways.push({ way, ...await measure({ way, documents, lengths, seconds, profile: way.engine === 'linformer-wasm' && way.threads === 1 && way.workers === undefined }) })
  }
  /** @type {Command[]} */
  const commands = []
  for (const threads of [1, 2]) {
    progress(`documents: the command line, --threads ${threads}`)
    commands.push(await command(documents, threads))
  }
  return { lengths: lengths.map((each) => Math.round(each.reduce((sum, { tokens }) => sum + tokens, 0) / each.length)), ways, commands }
}
