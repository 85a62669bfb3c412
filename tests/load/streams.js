#!/usr/bin/env node
/**
 * Load: parallel streams of documents through the API and through the command line, for as long as is asked.
 *
 *     node tests/load/streams.js [--minutes 15] [--streams 8] [--model models/sentiment.safetensors]
 *
 * Half of the streams are classifiers in workers of this process, the other half `linformer classify --jsonl` processes.
 * Every document has a number and a known verdict; a result that is lost, doubled, out of order or different is an error.
 * At the end: documents a second, the median and the 99th percentile of the time from sending a document to its result,
 * and resident memory at a tenth of the time and at the end. Exit status 1 if anything was wrong or memory grew by more
 * than a tenth.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { load } from 'linformer-wasm'
import { load as loadInWorker } from 'linformer-wasm/worker'

const { values } = parseArgs({ options: {
  minutes: { type: 'string', default: '15' }, streams: { type: 'string', default: '8' },
  model: { type: 'string', default: fileURLToPath(new URL('../../models/sentiment.safetensors', import.meta.url)) }
} })
const minutes = Number(values.minutes)
const streams = Number(values.streams)
const CLI = fileURLToPath(new URL('../../bin/linformer.js', import.meta.url))

/** Documents that a stream has under way at once. */
const AHEAD = 4

// 40 documents of 5 to 2,000 words; which one a number stands for is a fixed permutation.
const WORDS = 'the film was a long and quiet story of people who talk about music and I loved hated every dull bright minute of it'.split(' ')
const DOCUMENTS = Array.from({ length: 40 }, (_, i) => {
  const length = Math.round(5 * 400 ** (i / 39))
  return Array.from({ length }, (_, j) => WORDS[(i * 7 + j * (1 + (i % 5))) % WORDS.length]).join(' ')
})
const documentOf = (/** @type {number} */ n) => DOCUMENTS[(n * 17) % DOCUMENTS.length]

const expected = await (async () => {
  const classifier = await load(values.model)
  const results = await classifier.classify(DOCUMENTS)
  classifier.dispose()
  return new Map(DOCUMENTS.map((text, i) => [text, results[i]]))
})()

const end = performance.now() + 60_000 * minutes
const times = []
const mistakes = []
const counts = new Array(streams).fill(0)

function check(stream, n, result, started) {
  times.push(performance.now() - started)
  counts[stream]++
  const { label, score } = expected.get(documentOf(n))
  if (result.label !== label || Math.abs(result.score - score) > 1e-12) mistakes.push(`stream ${stream}, document ${n}: ${JSON.stringify(result)}`)
}

async function throughApi(stream) {
  const classifier = await loadInWorker(values.model)
  let next = 0
  const lane = async () => {
    while (performance.now() < end) {
      const n = next++
      const started = performance.now()
      check(stream, n, await classifier.classify(documentOf(n)), started)
    }
  }
  await Promise.all(Array.from({ length: AHEAD }, lane))
  classifier.dispose()
}

const children = []

async function throughCommandLine(stream) {
  const child = spawn(process.execPath, [CLI, 'classify', '--jsonl', '--model', values.model], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const exited = once(child, 'exit')
  const sent = []
  let next = 0
  const send = () => {
    if (performance.now() >= end) return child.stdin.end()
    sent.push({ n: next, started: performance.now() })
    child.stdin.write(`${JSON.stringify({ id: next, text: documentOf(next) })}\n`)
    next++
  }
  for (let i = 0; i < AHEAD; i++) send()
  for await (const line of createInterface({ input: child.stdout })) {
    const result = JSON.parse(line)
    const { n, started } = sent.shift()
    if (result.id !== n) mistakes.push(`stream ${stream}: document ${n} was expected, ${result.id} came`)
    check(stream, n, result, started)
    send()
  }
  if (sent.length > 0) mistakes.push(`stream ${stream}: ${sent.length} documents lost`)
  const [status] = await exited
  if (status !== 0) mistakes.push(`stream ${stream}: exit status ${status}`)
}

/** Resident kilobytes of this process and its children (Linux). */
const resident = () => [process.pid, ...children.filter(({ exitCode }) => exitCode === null).map(({ pid }) => pid)].reduce((sum, pid) => {
  return sum + Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}, 0)

const memory = []
const started = performance.now()
const sampling = setInterval(() => memory.push({ share: (performance.now() - started) / (end - started), kb: resident() }), 500)
await Promise.all(Array.from({ length: streams }, (_, stream) => stream % 2 ? throughCommandLine(stream) : throughApi(stream)))
clearInterval(sampling)
const seconds = (performance.now() - started) / 1000

const total = counts.reduce((a, b) => a + b, 0)
const ordered = Float64Array.from(times).sort()
const quantile = (/** @type {number} */ q) => ordered[Math.min(ordered.length - 1, Math.floor(q * ordered.length))]
/** The median of the samples within a share of the time: single samples jump with the collector. */
const median = (from, to) => {
  const samples = memory.filter(({ share }) => share >= from && share < to).map(({ kb }) => kb).sort((a, b) => a - b)
  return samples[Math.floor(samples.length / 2)]
}
const early = median(0.1, 0.3)
const late = median(0.8, 1)
console.log(`${streams} streams, ${AHEAD} documents ahead each, ${(seconds / 60).toFixed(1)} minutes, Node.js ${process.version}`)
console.log(`${total} documents, ${(total / seconds).toFixed(0)} a second; by stream: ${counts.join(', ')}`)
console.log(`latency: median ${quantile(0.5).toFixed(1)} ms, 99th percentile ${quantile(0.99).toFixed(1)} ms, largest ${quantile(1).toFixed(1)} ms`)
console.log(`resident memory of all processes: ${(early / 1024).toFixed(0)} MiB early, ${(late / 1024).toFixed(0)} MiB late`)
console.log(`${mistakes.length} lost, doubled, out of order or different`)
for (const mistake of mistakes.slice(0, 10)) console.error(mistake)
if (late > 1.1 * early) console.error('memory has grown')
process.exitCode = mistakes.length > 0 || late > 1.1 * early ? 1 : 0
