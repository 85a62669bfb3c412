/**
 * One way to read many documents, in a process of its own: node bench/documents-child.js, told what by its parent, documents.js.
 */
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'
import { load, readSafetensors, tensorValues } from '../wasm/node.js'
import { load as loadInWorker } from '../wasm/worker-node.js'
import { fileAt } from './files.js'
import { peer } from './install.js'
import { tokenizerJson } from './shipped.js'

/**
 * @typedef {object} Way
 * @property {string} name
 * @property {'linformer-wasm' | 'onnxruntime-web' | 'onnxruntime-node' | 'static table'} engine
 * @property {'embed' | 'classify'} call
 * @property {number} threads
 * @property {number} [workers] classifiers in workers of their own, among which the documents are dealt out
 * @property {number} [batch] documents at a time
 *
 * @typedef {{ text: string, tokens: number }} Document tokens of the trunk `general`
 * @typedef {{ way: Way, documents: Document[], lengths: Document[][], seconds: number, profile: boolean }} Task
 * @typedef {{ documents: number, tokens: number, seconds: number, cpu: number }} Rate seconds by the clock, and of processors
 * @typedef {{ all: Rate, lengths: Rate[], shortest: Rate, rss: number, profile?: [string, number][] }} Answer shortest: documents of one
 *   token; profile: microseconds of each of their calls, by what they were spent in
 *
 * @typedef {(documents: Document[]) => Promise<number>} Read one call; how many tokens were read
 */

const models = fileURLToPath(new URL('../models/', import.meta.url))

/** @param {Way} way @returns {Promise<Read[]>} one that reads, or several that read side by side */
async function openOurs({ call, threads, workers }) {
  const begin = workers === undefined ? load : loadInWorker
  const path = `${models}${call === 'embed' ? 'general' : 'sentiment'}.safetensors`
  const classifiers = await Promise.all(Array.from({ length: workers ?? 1 }, () => begin(path, { threads })))
  return classifiers.map((classifier) => async ([{ text, tokens }]) => {
    if (call === 'classify') return (await classifier.classify(text)).tokens
    await classifier.embed(text)
    return tokens
  })
}

/** @param {Way} way @returns {Promise<Read[]>} */
async function openMiniLm({ engine, threads }) {
  const ort = await peer(engine)
  const { Tokenizer } = await peer('@huggingface/tokenizers')
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(fileAt('minilm-tokenizer.json'), 'utf8')), {})
  const isWeb = engine === 'onnxruntime-web'
  if (isWeb) ort.env.wasm.numThreads = threads
  const options = isWeb ? { executionProviders: ['wasm'] } : { intraOpNumThreads: threads, interOpNumThreads: 1 }
  const session = await ort.InferenceSession.create(isWeb ? readFileSync(fileAt('minilm.onnx')) : fileAt('minilm.onnx'), options)
  return [async (documents) => {
    const ids = documents.map(({ text }) => /** @type {number[]} */ (tokenizer.encode(text).ids))
    const most = Math.max(...ids.map(({ length }) => length))
    const tensor = (/** @type {(row: number[], i: number) => number} */ of) =>
      new ort.Tensor('int64', BigInt64Array.from(ids.flatMap((row) => Array.from({ length: most }, (_, i) => BigInt(of(row, i))))), [ids.length, most])
    const given = {
      input_ids: tensor((row, i) => row[i] ?? 0), attention_mask: tensor((row, i) => i < row.length ? 1 : 0), token_type_ids: tensor(() => 0)
    }
    const outputs = await session.run(Object.fromEntries(session.inputNames.map((/** @type {keyof typeof given} */ name) => [name, given[name]])))
    const { data, dims } = outputs[session.outputNames[0]]
    if (dims.length === 3) for (const [row, { length }] of ids.entries()) meanOf(data.subarray(row * most * dims[2], (row * most + length) * dims[2]), dims[2])
    return ids.reduce((sum, { length }) => sum + length, 0)
  }]
}

/** The mean of rows, of length 1. @param {Float32Array} rows @param {number} width */
function meanOf(rows, width) {
  const mean = new Float32Array(width)
  for (let at = 0; at < rows.length; at += width) for (let i = 0; i < width; i++) mean[i] += rows[at + i]
  const norm = Math.hypot(...mean)
  return mean.map((value) => value / norm)
}

/** A vector for each token, and their mean: the trunk's own embeddings, without what the trunk does with them. @returns {Promise<Read[]>} */
async function openTable() {
  const path = `${models}general.safetensors`
  const { tensors } = readSafetensors(readFileSync(path), path)
  const table = /** @type {Float32Array} */ (tensorValues(tensors, 'embed.token.weight'))
  const width = /** @type {number} */ (tensors.get('embed.token.weight')?.shape[1])
  const { Tokenizer } = await peer('@huggingface/tokenizers')
  const tokenizer = new Tokenizer(tokenizerJson(path), {})
  return [async ([{ text }]) => {
    const ids = /** @type {number[]} */ (tokenizer.encode(text).ids)
    const rows = new Float32Array(ids.length * width)
    for (const [i, id] of ids.entries()) rows.set(table.subarray(id * width, (id + 1) * width), i * width)
    meanOf(rows, width)
    return ids.length
  }]
}

const OPEN = { 'linformer-wasm': openOurs, 'onnxruntime-web': openMiniLm, 'onnxruntime-node': openMiniLm, 'static table': openTable }

/**
 * Reads the documents, or as many as there is time for.
 *
 * @param {Read[]} readers
 * @param {Document[]} documents
 * @param {{ seconds: number, batch?: number, again?: boolean }} options again: from the first when they are through
 * @returns {Promise<Rate>}
 */
async function rate(readers, documents, { seconds, batch = 1, again = false }) {
  const start = performance.now()
  const before = process.cpuUsage()
  let next = 0
  let read = 0
  let tokens = 0
  await Promise.all(readers.map(async (reader) => {
    while ((again || next < documents.length) && performance.now() - start < seconds * 1000) {
      const at = next % documents.length
      const part = documents.slice(at, at + batch)
      next += batch
      tokens += await reader(part)
      read += part.length
    }
  }))
  const { user, system } = process.cpuUsage(before)
  return { documents: read, tokens, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 }
}

/** Where the time of a call goes, by function or module. @param {() => Promise<number>} call @returns {Promise<[string, number][]>} microseconds */
async function profileOf(call) {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 100 })
  await session.post('Profiler.start')
  const start = performance.now()
  let calls = 0
  for (; performance.now() - start < 3000; calls++) await call()
  const { profile } = /** @type {any} */ (await session.post('Profiler.stop'))
  session.disconnect()
  /** @type {Map<number, string>} */
  const names = new Map(profile.nodes.map((/** @type {any} */ { id, callFrame: { url, functionName } }) => {
    const file = /** @type {string} */ (url).replace(/^.*\/(wasm|bench)\//, '$1/')
    return [id, url.startsWith('wasm://') ? 'the engine (WebAssembly)' : file.startsWith('wasm/') ? file : file === '' || url.startsWith('node:') ? `V8, Node.js ${functionName.replace(/^\((.*)\)$/, '$1')}`.replace(/Node\.js (?!garbage|program|idle).*/, 'Node.js') : file]
  }))
  /** @type {Map<string, number>} */
  const spent = new Map()
  for (const [i, id] of profile.samples.entries()) {
    const name = names.get(id) ?? ''
    spent.set(name, (spent.get(name) ?? 0) + profile.timeDeltas[i] / calls)
  }
  return [...spent].sort(([, a], [, b]) => b - a)
}

process.on('disconnect', () => process.exit())
process.once('message', async (/** @type {Task} */ { way, documents, lengths, seconds, profile }) => {
  const readers = await OPEN[way.engine](way)
  const { batch } = way
  await rate(readers, documents, { seconds: Math.min(1, seconds), batch }) // compiles
  const shortest = [{ text: 'a', tokens: 1 }]
  /** @type {Answer} */
  const answer = {
    all: await rate(readers, documents, { seconds: 10 * seconds, batch }),
    lengths: [],
    shortest: await rate(readers, shortest, { seconds, again: true }),
    rss: process.resourceUsage().maxRSS * 1024
  }
  for (const each of lengths) answer.lengths.push(await rate(readers, each, { seconds, batch, again: true }))
  if (profile) answer.profile = await profileOf(() => readers[0](shortest))
  process.send?.(answer, () => process.exit())
})
