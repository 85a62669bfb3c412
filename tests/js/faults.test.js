/**
 * What a host may do to a program: refuse memory, cut a download, change its bytes, send nothing or send for ever; and what a
 * caller may do: abort or dispose at any moment. Every promise settles with a named error, and later calls work.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import test from 'node:test'
import { load, LinformerError } from 'linformer-wasm'
import * as worker from 'linformer-wasm/worker'
import { refusingAllocation } from './helpers/allocations.js'
import { tiny } from './helpers/models.js'

const bytes = tiny({ n_max: 2000, k: [20, 20] })
const module = new WebAssembly.Module(readFileSync('wasm/dist/linformer-simd128.wasm'))
const quick = { wasm: module, backend: 'simd128' }
const text = 'words and words, and more of them. '.repeat(150)

/** A server of the test's own: `answer` writes what it likes. */
async function serve(t, answer) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}/model.safetensors`
}

test('memory refused at every place where a load asks for it', async (t) => {
  const expected = await (await load(bytes, quick)).classify(text)
  let places = 0
  for (; ; places++) {
    const { failed, value, error } = await refusingAllocation(places, () => load(new Response(bytes), quick))
    if (!failed) {
      assert.deepEqual(await value.classify(text), expected)
      break
    }
    assert.ok(error instanceof LinformerError, String(error?.stack))
    assert.equal(error.code, 'OUT_OF_MEMORY', error.message)
  }
  assert.ok(places >= 3, `${places} places`)
  t.diagnostic(`${places} places`)
})

test('memory refused at every place where a classification asks for it; the next one works', async (t) => {
  const classifier = await load(bytes, quick)
  for (const options of [{}, { explain: true }]) {
    const expected = await classifier.classify(text, options)
    let places = 0
    for (; ; places++) {
      const { failed, value, error } = await refusingAllocation(places, () => classifier.classify(text, options))
      if (!failed) {
        assert.deepEqual(value, expected)
        break
      }
      assert.ok(error instanceof LinformerError, String(error?.stack))
      assert.equal(error.code, 'OUT_OF_MEMORY', error.message)
      assert.deepEqual(await classifier.classify(text, options), expected)
    }
    assert.ok(places >= 3, `${places} places`)
    t.diagnostic(`${places} places with ${JSON.stringify(options)}`)
  }
})

test('abort at every step of a load and of a classification', async (t) => {
  const classifier = await load(bytes, quick)
  const expected = await classifier.classify(text, { explain: true })
  const reason = new Error('enough')
  for (const [kind, run, after] of [
    ['load', (options) => load(new Response(bytes), { ...quick, ...options }), () => load(bytes, quick).then((again) => again.classify(text, { explain: true }))],
    ['classify', (options) => classifier.classify(text, { explain: true, ...options }), () => classifier.classify(text, { explain: true })]
  ]) {
    let steps = 0
    for (let done = false; !done; steps++) {
      const controller = new AbortController()
      let step = 0
      const onProgress = () => { if (step++ === steps) controller.abort(reason) }
      const outcome = await run({ signal: controller.signal, onProgress }).then(() => undefined, (error) => error)
      done = step <= steps
      if (done) assert.equal(outcome, undefined)
      else assert.ok(outcome?.code === 'ABORTED' && outcome.cause === reason, `${kind}, step ${steps}: ${outcome?.stack}`)
    }
    assert.ok(steps > 5)
    assert.deepEqual(await after(), expected)
    t.diagnostic(`${kind}: ${steps - 1} steps`)
  }
})

test('a callback that throws ends its call alone, with its own error', async () => {
  const classifier = await load(bytes, quick)
  const expected = await classifier.classify(text)
  const mine = new Error('mine')
  for (const phase of ['tokenize', 'encode']) {
    const onProgress = (event) => { if (event.phase === phase) throw mine }
    await assert.rejects(classifier.classify(text, { onProgress }), (error) => error === mine)
    assert.deepEqual(await classifier.classify(text), expected)
  }
  const onProgress = () => { throw mine }
  await assert.rejects(load(new Response(bytes), { ...quick, onProgress }), (error) => error === mine)
})

test('dispose at every step of a classification', async () => {
  for (let steps = 0, done = false; !done; steps += 3) {
    const classifier = await load(bytes, quick)
    let step = 0
    const calls = [text, 'the next in the queue'].map((document) => classifier.classify(document, {
      onProgress: () => { if (step++ === steps) classifier.dispose() }
    }).then((result) => result.label, (error) => error.code))
    const outcomes = await Promise.all(calls)
    done = step <= steps
    if (done) assert.ok(!outcomes.includes('DISPOSED'))
    else assert.equal(outcomes[1], 'DISPOSED', `step ${steps}: ${outcomes}`)
    classifier.dispose()
    await assert.rejects(classifier.classify('text'), { code: 'DISPOSED' })
  }
})

test('a download that is cut at any quarter, stalls, lies about its length or never ends', { timeout: 60_000 }, async (t) => {
  let answer
  const url = await serve(t, (request, response) => answer(response))
  const outcome = async (options) => load(url, { ...quick, ...options }).then(() => 'loaded', (error) => {
    assert.ok(error instanceof LinformerError, String(error?.stack))
    return error.code
  })
  for (const share of [0, 0.25, 0.5, 0.75, 0.999]) {
    const part = bytes.subarray(0, Math.floor(share * bytes.length))
    answer = (response) => { // the connection breaks
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(part, () => setTimeout(() => response.destroy(), 20))
    }
    assert.ok(['SOURCE_FAILED', 'MODEL_TRUNCATED'].includes(await outcome()))
    answer = (response) => response.end(part) // and here nothing says that more should come
    assert.equal(await outcome(), 'MODEL_TRUNCATED')
  }
  for (const before of [() => {}, (response) => response.writeHead(200).flushHeaders(), (response) => response.writeHead(200).write(bytes.subarray(0, 5000))]) {
    answer = before
    const started = performance.now()
    assert.equal(await outcome({ signal: AbortSignal.timeout(100) }), 'ABORTED')
    assert.ok(performance.now() - started < 5000)
  }
  answer = (response) => {
    const more = () => { while (response.write(new Uint8Array(65536))) ; }
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).on('drain', more)
    more()
  }
  assert.equal(await outcome({ signal: AbortSignal.timeout(300) }), 'ABORTED')
  const endless = new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) }), { headers: { 'content-length': '5000' } })
  await assert.rejects(load(endless, { ...quick, maxModelBytes: 6000 }), { code: 'BUDGET_TOO_SMALL', message: /6000 are read at most/ })
  answer = (response) => response.writeHead(200, { 'content-length': 10 ** 12 }).write(bytes)
  assert.equal(await outcome(), 'BUDGET_TOO_SMALL')
  answer = (response) => response.end(bytes)
  assert.equal(await outcome(), 'loaded')
})

test('bytes changed on the way', async (t) => {
  const { createHash } = await import('node:crypto')
  const integrity = `sha256-${createHash('sha256').update(bytes).digest('base64')}`
  const changed = bytes.slice()
  const url = await serve(t, (request, response) => response.end(changed))
  for (const at of [0, 8, 500, bytes.length - 1]) {
    changed[at] ^= 0x10
    await assert.rejects(load(url, { ...quick, integrity }), { code: 'INTEGRITY' })
    changed[at] ^= 0x10
  }
  assert.ok(await load(url, { ...quick, integrity }))
})

test('an engine that trapped says so from then on, and a new one works', async () => {
  // A module whose lf_begin has been made `unreachable`: what a defect of the engine would look like.
  const patched = trapIn(readFileSync('wasm/dist/linformer-simd128.wasm'), 'lf_begin')
  const classifier = await load(bytes, { ...quick, wasm: patched })
  await assert.rejects(classifier.classify('text'), { code: 'ENGINE', message: /stopped in lf_begin/ })
  await assert.rejects(classifier.classify('text'), { code: 'ENGINE', message: /stopped in an earlier call/ })
  assert.ok((await (await load(bytes, quick)).classify('text')).label)
})

/** The module with the body of an exported function replaced by `unreachable`, padded with `nop`. */
function trapIn(wasm, name) {
  const file = Uint8Array.from(wasm)
  let at = 8
  const leb = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = file[at++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  const sections = new Map()
  while (at < file.length) {
    const id = file[at++]
    const size = leb()
    sections.set(id, at)
    at += size
  }
  at = sections.get(7)
  let index
  for (let n = leb(); n > 0; n--) {
    const length = leb()
    const text = new TextDecoder().decode(file.subarray(at, at + length))
    at += length
    const kind = file[at++]
    const value = leb()
    if (kind === 0 && text === name) index = value
  }
  assert.notEqual(index, undefined, `${name} is not exported`)
  at = sections.get(10)
  leb()
  for (let i = 0; i < index; i++) {
    const size = leb()
    at += size
  }
  const end = leb() + at
  for (let locals = leb(); locals > 0; locals--) {
    leb()
    at++
  }
  file[at] = 0x00
  file.fill(0x01, at + 1, end - 1)
  return file
}

test('a worker killed at every stage rejects what it was asked for, and another one works', { timeout: 60_000 }, async (t) => {
  const { Worker } = await import('node:worker_threads')
  const own = () => new Worker(new URL('../../wasm/worker-host-node.js', import.meta.url))
  const expected = await (await load(bytes)).classify(text)
  for (const stage of ['at once', 'weights', 'tokenize', 'encode', 'idle']) {
    const thread = own()
    const kill = () => { void thread.terminate() }
    const onProgress = ({ phase }) => { if (phase === stage) kill() }
    if (stage === 'at once') kill()
    const outcome = await (async () => {
      const classifier = await worker.load(bytes, { worker: thread, onProgress })
      if (stage === 'idle') {
        kill()
        await once(thread, 'exit')
      }
      return classifier.classify(text.repeat(20), { onProgress })
    })().then((result) => result.label, (error) => error.code)
    assert.equal(outcome, 'WORKER_FAILED', stage)
  }
  const classifier = await worker.load(bytes)
  t.after(() => classifier.dispose())
  assert.deepEqual(await classifier.classify(text), expected)
})
