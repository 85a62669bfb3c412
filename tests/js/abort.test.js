/**
 * An abort is an answer within 50 ms, whatever the library is waiting for or working at.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { tiny } from './helpers/models.js'

const LATEST = 50 // ms
const TRIES = 8 // of which one has to be in time: another process may have the machine

const small = tiny({ n_max: 20000, k: [64, 64] })
const large = tiny({ vocab_size: 8192, n_max: 8192, d_model: 256, n_layers: 4, n_heads: 4, d_ff: 1024, k: [128, 128, 128, 128] })

const server = createServer((request, response) => {
  if (request.url === '/silent') return
  response.writeHead(200, { 'content-length': small.length })
  response.write(small.subarray(0, 1000))
}).listen(0)
await new Promise((resolve) => server.once('listening', resolve))
test.after(() => { server.closeAllConnections(); server.close() })
const at = (path) => `http://127.0.0.1:${server.address().port}${path}`

const classifier = await load(small)
const big = await load(large)
const words = 'words and words '

/**
 * Begins something, and aborts it `delay` ms after the first progress of a phase, or after the beginning. Returns the ms
 * from when the abort was due to the rejection: a thread that is kept busy meanwhile counts.
 */
async function latency(begin, phase, delay) {
  const controller = new AbortController()
  const reason = new Error('changed my mind')
  let due
  const abort = () => {
    due = performance.now() + delay
    setTimeout(() => controller.abort(reason), delay)
  }
  let armed = phase === undefined
  if (armed) abort()
  const onProgress = (event) => {
    if (armed || event.phase !== phase) return
    armed = true
    abort()
  }
  await assert.rejects(begin({ signal: controller.signal, onProgress }), { name: 'LinformerError', code: 'ABORTED', cause: reason })
  return performance.now() - due
}

const stages = {
  'a server that does not answer': [(options) => load(at('/silent'), options), undefined, 20],
  'a server that stops in the middle': [(options) => load(at('/half'), options), 'download', 5],
  'a response that stops in the middle': [async (options) => load(await fetch(at('/half')), options), 'download', 5],
  'loading weights': [(options) => load(large, options), 'weights', 0],
  'tokens of 20 million characters': [(options) => classifier.classify(words.repeat(1_250_000), options), 'tokenize', 30],
  'a wide model at work': [(options) => big.classify(words.repeat(500), options), 'encode', 10],
  'waiting for the call before': [async (options) => {
    const stop = new AbortController()
    const before = big.classify(words.repeat(500), { signal: stop.signal })
    try {
      return await big.classify('text', options)
    } finally {
      stop.abort()
      await assert.rejects(before, { code: 'ABORTED' })
    }
  }, undefined, 10],
  'waiting for the next document': [async (options) => {
    const reader = classifier.classify((async function* () { await new Promise(() => {}) })(), options)
    await reader.next()
  }, undefined, 10]
}

for (const [name, [begin, phase, delay]] of Object.entries(stages)) {
  test(`abort: ${name}`, { timeout: 60_000 }, async (t) => {
    const found = []
    for (let i = 0; i < TRIES && !(Math.min(...found) < LATEST); i++) found.push(await latency(begin, phase, delay))
    t.diagnostic(`${found.map((ms) => ms.toFixed(1)).join(', ')} ms`)
    assert.ok(Math.min(...found) < LATEST)
  })
}

test('abort: explaining 400,000 tokens', async (t) => {
  // Behind the last progress event nothing is left but the explanation.
  const found = []
  for (let i = 0; i < TRIES && !(Math.min(...found) < LATEST); i++) {
    const controller = new AbortController()
    let due
    const onProgress = ({ phase, done, total }) => {
      if (phase !== 'encode' || done !== total) return
      due = performance.now()
      setTimeout(() => controller.abort(), 1)
    }
    const running = classifier.classify(words.repeat(25_000), { explain: true, signal: controller.signal, onProgress })
    await assert.rejects(running, { code: 'ABORTED' })
    found.push(performance.now() - due)
  }
  t.diagnostic(`${found.map((ms) => ms.toFixed(1)).join(', ')} ms`)
  assert.ok(Math.min(...found) < LATEST)
})
