/**
 * linformer-wasm/worker in Node.js: the same API, and what can go wrong between two threads.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import * as here from 'linformer-wasm'
import * as there from 'linformer-wasm/worker'
import { tiny } from './helpers/models.js'

const LATEST = 2000 // ms from an abort until the worker is free: far below what is left to do, far above what a busy machine adds

const bytes = tiny({ n_max: 20000, k: [64, 64] })
const long = 'words and words '.repeat(1200)
const ownWorker = () => new Worker(new URL('../../wasm/worker-host-node.js', import.meta.url))

/** Loads in a worker that ends with the test. */
async function load(t, source = bytes, options = undefined) {
  const classifier = await there.load(source, options)
  t.after(() => classifier.dispose())
  return classifier
}

test('the two entries export the same', () => {
  assert.deepEqual(Object.keys(there).sort(), Object.keys(here).sort())
  assert.equal(there.LinformerError, here.LinformerError)
})

test('a classifier in a worker has the same properties and gives the same results', async (t) => {
  const expected = await here.load(bytes, { maxTokens: 5000 })
  const classifier = await load(t, bytes, { maxTokens: 5000 })
  const described = (object) => Object.entries(object).map(([key, value]) => [key, typeof value === 'function' ? 'function' : value])
  assert.deepEqual(new Map(described(classifier)), new Map(described(expected)))
  assert.ok(Object.isFrozen(classifier.memory) && Object.isFrozen(classifier.config.k))
  for (const input of ['a text', { text: 'é😀 text. ', textPair: 'the other' }, long, ['one', '', { text: 'two' }, 3], []]) {
    for (const options of [{}, { explain: true, topK: 2 }, { overflow: 'truncate' }]) {
      assert.deepEqual(await classifier.classify(input, options), await expected.classify(input, options))
    }
  }
  assert.deepEqual(await there.inspect(bytes), await here.inspect(bytes))
})

test('documents as they come', async (t) => {
  const classifier = await load(t)
  async function* documents() {
    yield 'one'
    yield ''
    yield { text: 'two' }
  }
  const results = []
  for await (const result of classifier.classify(documents(), { topK: 1 })) results.push(result)
  assert.deepEqual(results, await classifier.classify(['one', '', { text: 'two' }], { topK: 1 }))
})

test('every kind of source', async (t) => {
  const path = join(await mkdtemp(join(tmpdir(), 'linformer-')), 'tiny.safetensors')
  await writeFile(path, bytes)
  const server = createServer((request, response) => response.end(bytes)).listen(0)
  t.after(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/tiny.safetensors`
  const expected = await (await here.load(bytes)).classify('text')
  const sources = { path, 'file URL': new URL(`file://${path}`), URL: url, Response: await fetch(url), Blob: new Blob([bytes]), bytes }
  for (const [kind, source] of Object.entries(sources)) {
    assert.deepEqual(await (await load(t, source)).classify('text'), expected, kind)
  }
  assert.ok(bytes.length > 0, 'copied, not taken away')
  const wasm = await readFile('wasm/dist/linformer-simd128.wasm')
  for (const module of ['wasm/dist/linformer-simd128.wasm', wasm, new WebAssembly.Module(wasm)]) {
    assert.equal((await load(t, bytes, { backend: 'simd128', wasm: module })).backend, 'simd128')
  }
  const response = () => new Response(wasm)
  assert.equal((await load(t, new Response(bytes), { backend: 'simd128', wasm: response(), transfer: true })).backend, 'simd128')
  assert.deepEqual(await there.inspect(bytes, { wasm: response() }), await here.inspect(bytes, { wasm: response() }))
})

test('bytes can be handed over', async (t) => {
  const given = bytes.slice()
  const classifier = await load(t, given, { transfer: true })
  assert.equal(given.length, 0)
  assert.ok((await classifier.classify('text')).label)
  await assert.rejects(there.load(given, { transfer: true }), { name: 'LinformerError' })
})

test('progress is passed along', async (t) => {
  const events = []
  const onProgress = (event) => events.push(event)
  const classifier = await load(t, new Response(bytes), { onProgress })
  await classifier.classify([long, long], { onProgress })
  assert.deepEqual([...new Set(events.map(({ phase }) => phase))], ['download', 'weights', 'tokenize', 'encode'])
  assert.deepEqual([...new Set(events.filter(({ phase }) => phase === 'encode').map(({ index, count }) => `${index}/${count}`))], ['0/2', '1/2'])
  const thrown = new Error('from the callback')
  await assert.rejects(classifier.classify(long, { onProgress() { throw thrown } }), thrown)
  assert.ok((await classifier.classify('text')).label)
  await assert.rejects(there.load('models/sentiment.safetensors', { onProgress() { throw thrown } }), thrown)
})

test('errors keep their code and details', async (t) => {
  const cases = [
    [() => there.load('no/such/file'), 'SOURCE_FAILED'], [() => there.load(bytes.subarray(0, 1000)), 'MODEL_TRUNCATED'],
    [() => there.load(bytes, { memoryBudget: 5 }), 'BUDGET_TOO_SMALL'], [() => there.load(new Response('', { status: 404 })), 'SOURCE_FAILED'],
    [() => there.load(bytes, { threads: 0 }), 'BAD_ARGUMENT'], [() => there.load(5), 'BAD_ARGUMENT'], [() => there.load(() => {}), 'BAD_ARGUMENT'],
    [() => there.load(bytes, null), 'BAD_ARGUMENT'], [() => there.load(bytes, { signal: 5 }), 'BAD_ARGUMENT'],
    ...[{}, 5, 'x', true, new MessageChannel().port1].map((worker) => [() => there.load(bytes, { worker }), 'BAD_ARGUMENT'])
  ]
  for (const [attempt, code] of cases) {
    await assert.rejects(attempt(), (error) => error instanceof here.LinformerError && error.code === code, code)
  }
  const classifier = await load(t, bytes, { maxTokens: 100 })
  await assert.rejects(classifier.classify(long, { overflow: 'error' }), {
    name: 'LinformerError', code: 'TEXT_TOO_LONG', details: { tokens: 19200, capacity: 100 }
  })
  await assert.rejects(classifier.classify('text', { topK: 0 }), { code: 'BAD_ARGUMENT' })
  await assert.rejects(classifier.classify(''), { code: 'EMPTY_TEXT' })
})

test('an abort rejects at once, and the worker is free again soon', async (t) => {
  const reason = new Error('changed my mind')
  await assert.rejects(there.load(bytes, { signal: AbortSignal.abort(reason) }), { code: 'ABORTED', cause: reason })
  const loading = new AbortController()
  const onProgress = ({ phase }) => { if (phase === 'weights') loading.abort(reason) }
  await assert.rejects(there.load(bytes, { signal: loading.signal, onProgress }), { code: 'ABORTED', cause: reason })

  const classifier = await load(t)
  const expected = await classifier.classify('text')
  for (const phase of ['tokenize', 'encode']) {
    const controller = new AbortController()
    let aborted = 0
    const onProgress = (event) => {
      if (event.phase !== phase || aborted !== 0) return
      aborted = performance.now()
      controller.abort(reason)
    }
    // Long enough for seconds of work, were it not stopped.
    const running = classifier.classify(new Array(50).fill(long), { signal: controller.signal, onProgress })
    await assert.rejects(running, { code: 'ABORTED', cause: reason })
    const rejected = performance.now() - aborted
    assert.deepEqual(await classifier.classify('text'), expected)
    const free = performance.now() - aborted
    t.diagnostic(`${phase}: rejected after ${rejected.toFixed(1)} ms, free after ${free.toFixed(1)} ms`)
    assert.ok(free < LATEST, `${phase}: ${free} ms`)
  }
})

test('dispose ends the worker and what runs in it', async (t) => {
  const worker = ownWorker()
  const classifier = await load(t, bytes, { worker })
  const exited = once(worker, 'exit')
  const running = classifier.classify(long)
  const rejected = assert.rejects(running, { code: 'DISPOSED' })
  classifier.dispose()
  await rejected
  worker.ref() // for the test to wait; idle ones keep no process
  await exited
  await assert.rejects(classifier.classify('text'), { code: 'DISPOSED' })
  classifier.dispose()

  const failing = ownWorker()
  const ended = once(failing, 'exit')
  await assert.rejects(there.load('no/such/file', { worker: failing }), { code: 'SOURCE_FAILED' })
  failing.ref()
  await ended
})

test('a worker that dies rejects every call with WORKER_FAILED', async (t) => {
  const worker = ownWorker()
  const classifier = await load(t, bytes, { worker })
  const running = [classifier.classify(long), classifier.classify(['a', long])]
  const rejected = Promise.all(running.map((call) => assert.rejects(call, { name: 'LinformerError', code: 'WORKER_FAILED', message: /exit status/ })))
  await worker.terminate()
  await rejected
  await assert.rejects(classifier.classify('text'), { code: 'WORKER_FAILED' })

  const missing = new Worker(new URL('./no-such-worker.js', import.meta.url))
  await assert.rejects(there.load(bytes, { worker: missing }), { code: 'WORKER_FAILED', message: /no-such-worker/ })
  const throwing = new Worker('throw new RangeError("no room")', { eval: true })
  await assert.rejects(there.load(bytes, { worker: throwing }), (error) => {
    return error.code === 'WORKER_FAILED' && /no room/.test(error.message) && error.cause instanceof RangeError
  })
})

test('two classifiers in two workers', async (t) => {
  const [a, b] = await Promise.all([load(t, tiny({}, { seed: 1 })), load(t, tiny({}, { seed: 2 }))])
  const [x, y] = await Promise.all([a.classify('text'), b.classify('text')])
  assert.notDeepEqual(x, y)
  a.dispose()
  assert.deepEqual(await b.classify('text'), y)
})

test('an idle worker does not keep the process, a busy one does', { timeout: 30_000 }, async () => {
  const script = `
    import { load } from 'linformer-wasm/worker'
    const classifier = await load('models/sentiment.safetensors')
    console.log((await classifier.classify('A fine film.')).label)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  assert.equal(stdout, 'positive\n')
})
