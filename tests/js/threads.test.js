/**
 * Threads: the same bits for any number, one where memory cannot be shared, and a named error when one dies.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { Worker } from 'node:worker_threads'
import { load } from 'linformer-wasm'
import { randomModel } from './helpers/random-model.js'
import { modules } from '../../wasm/hosts/modules.js'
import { createApi } from '../../wasm/classify/load.js'
import { startThread } from '../../wasm/hosts/start-thread-node.js'
import { withSharedMemory } from '../../wasm/engine/threads.js'

const N = 1500
const text = 'Not a bad film; not a good one. '.repeat(100)
const shape = { n_max: N, d_model: 24, n_heads: 3, d_ff: 40, n_layers: 2, k: [20, 20], positions: 'sinusoidal' }

/** What a classification comes to, to the last bit. */
const bits = ({ scores, explanation }) => JSON.stringify([scores, explanation.logits, explanation.tokens.map((t) => t.contributions)])

const kinds = [
  {}, { sharing: 'none' }, { sharing: 'key-value' }, { projection: 'mean' }, { projection: 'max' }, { projection: 'conv' }, { attention: 'full' }
]
for (const kind of kinds) {
  for (const precision of ['float32', 'int8']) {
    test(`${JSON.stringify(kind)} ${precision}: 1, 2 and 3 threads give the same bits`, async () => {
      const bytes = randomModel({ ...shape, ...kind }, { dtype: 'I8' })
      let expected
      for (const threads of [1, 2, 3]) {
        const classifier = await load(bytes, { threads, precision, backend: 'simd128' })
        assert.equal(classifier.threads, threads)
        const result = bits(await classifier.classify(text, { explain: true }))
        expected ??= result
        assert.equal(result, expected)
        classifier.dispose()
      }
    })
  }
}

test('aborted again and again, threads go on to give the right result', async () => {
  const bytes = randomModel(shape)
  const one = await load(bytes)
  const expected = bits(await one.classify(text, { explain: true }))
  const two = await load(bytes, { threads: 2 })
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController()
    let events = 0
    const running = two.classify(text.repeat(10), { signal: controller.signal, onProgress: ({ phase }) => { if (phase === 'encode' && ++events > round % 5) controller.abort() } })
    await assert.rejects(running, { code: 'ABORTED' })
    if (round % 5 === 0) assert.equal(bits(await two.classify(text, { explain: true })), expected)
  }
  two.dispose()
  one.dispose()
})

test('the plan has the stacks of the threads, and memory stays fixed', async () => {
  const bytes = randomModel(shape)
  const [one, two] = await Promise.all([load(bytes), load(bytes, { threads: 2 })])
  assert.equal(two.memory.static - one.memory.static, 65536)
  assert.ok(two.memory.workspace > one.memory.workspace)
  const { total } = two.memory
  await assert.rejects(load(bytes, { threads: 2, memoryBudget: 65536 }), { code: 'BUDGET_TOO_SMALL' })
  const tight = await load(bytes, { threads: 2, memoryBudget: total })
  assert.equal(tight.memory.total, total)
  for (const classifier of [one, two, tight]) classifier.dispose()
})

test('one thread where there is no way to share: a compiled module, no SharedArrayBuffer, a page that is not isolated', async () => {
  const bytes = randomModel(shape)
  const wasm = new WebAssembly.Module(readFileSync('wasm/dist/linformer-simd128.wasm'))
  assert.equal((await load(bytes, { threads: 4, wasm, backend: 'simd128' })).threads, 1)
  const { SharedArrayBuffer: shared } = globalThis
  try {
    delete globalThis.SharedArrayBuffer
    assert.equal((await load(bytes, { threads: 4 })).threads, 1)
  } finally {
    globalThis.SharedArrayBuffer = shared
  }
  globalThis.crossOriginIsolated = false
  try {
    assert.equal((await load(bytes, { threads: 4 })).threads, 1)
  } finally {
    delete globalThis.crossOriginIsolated
  }
})

test('at most 32 threads, and threads that cannot start are done without', async () => {
  const bytes = randomModel(shape)
  let started = 0
  const api = createApi({
    modules,
    startThread: (listener) => {
      if (++started % 2 === 0) throw new Error('no more workers')
      queueMicrotask(() => listener.failed('its script is missing'))
      return { post: () => {}, terminate: () => {} }
    }
  })
  const classifier = await api.load(bytes, { threads: 100, wasm: readFileSync('wasm/dist/linformer-simd128.wasm'), backend: 'simd128' })
  assert.equal(started, 31)
  assert.equal(classifier.threads, 1)
  assert.ok((await classifier.classify(text)).label)
  classifier.dispose()
})

test('threads that never answer are done without, and waiting for them can be aborted', async () => {
  let ended = 0
  const api = createApi({ modules, startThread: () => ({ post: () => {}, terminate: () => { ended++ } }) })
  const options = { threads: 3, wasm: readFileSync('wasm/dist/linformer-simd128.wasm'), backend: 'simd128' }
  const controller = new AbortController()
  const aborted = api.load(randomModel(shape), { ...options, signal: controller.signal, onProgress: ({ phase, done, total }) => {
    if (phase === 'weights' && done === total) setTimeout(() => controller.abort(), 20)
  } })
  await assert.rejects(aborted, { code: 'ABORTED' })
  assert.equal(ended, 2)
  const classifier = await api.load(randomModel(shape), options)
  assert.equal(classifier.threads, 1)
  assert.ok((await classifier.classify(text)).label)
  classifier.dispose()
})

test('threads that come late: one that is at work already counts, one that has been given up does nothing', { timeout: 60_000 }, async () => {
  const options = { threads: 3, wasm: readFileSync('wasm/dist/linformer-simd128.wasm'), backend: 'simd128' }
  const expected = bits(await (await load(randomModel(shape), { backend: 'simd128' })).classify(text, { explain: true }))
  const apiWith = (startThread) => createApi({ modules, startThread })
  /** @type {Promise<unknown>[]} */
  const exits = []
  // Their word that they are ready gets lost.
  const unheard = apiWith((listener) => startThread({ ...listener, ready: () => {} }))
  // They hear what to do when nobody counts on them any more; terminating them has no effect.
  const belated = apiWith((listener) => {
    let exited
    exits.push(new Promise((resolve) => { exited = resolve }))
    const thread = startThread({ ready: listener.ready, failed: (reason) => { exited(reason); listener.failed(reason) } })
    return { post: (job) => { setTimeout(thread.post, 6000, job) }, terminate: () => {} }
  })
  const classifiers = await Promise.all([unheard, belated].map((api) => api.load(randomModel(shape), options)))
  assert.deepEqual(classifiers.map(({ threads }) => threads), [3, 1])
  const running = Array.from({ length: 20 }, () => classifiers.map((classifier) => classifier.classify(text, { explain: true }))).flat()
  for (const result of await Promise.all(running)) assert.equal(bits(result), expected)
  // Not one of them has served: they return at once, which ends a worker of Node.js.
  for (const reason of await Promise.all(exits)) assert.match(reason, /exit status 0/)
  for (const classifier of classifiers) {
    assert.equal(bits(await classifier.classify(text, { explain: true })), expected)
    classifier.dispose()
  }
})

/** The API, and for each thread that it starts a function that ends it. */
function killable() {
  /** @type {(() => void)[]} */
  const kills = []
  const api = createApi({
    modules,
    startThread: (listener) => {
      const thread = startThread(listener)
      kills.push(thread.terminate)
      return thread
    }
  })
  return { api, kills }
}

test('a thread that dies ends the classification with a named error, and the next load works', async () => {
  const bytes = randomModel({ ...shape, n_max: 60000, d_model: 96, d_ff: 384 })
  const { api, kills } = killable()
  const options = { threads: 2, wasm: readFileSync('wasm/dist/linformer-simd128.wasm'), backend: 'simd128' }
  const classifier = await api.load(bytes, options)
  assert.equal(classifier.threads, 2)
  const long = text.repeat(19)
  let done = 0
  const running = classifier.classify(long, { onProgress: ({ phase }) => { if (phase === 'encode' && ++done === 3) kills[0]() } })
  await assert.rejects(running, (error) => error.code === 'ENGINE' && /thread/.test(`${error.message} ${error.cause}`))
  await assert.rejects(classifier.classify(text), { code: 'ENGINE' })
  classifier.dispose()
  const again = await api.load(bytes, options)
  assert.ok((await again.classify(text)).label)
  again.dispose()
})

test('a thread killed in the midst of its work, at every stage: the next call settles, and the next load works', { timeout: 120_000 }, async (t) => {
  // Wide, so that a tile takes a while: the thread is most likely in the midst of one.
  const bytes = randomModel({ ...shape, n_max: 20000, d_model: 96, d_ff: 384 })
  const { api, kills } = killable()
  const options = { threads: 3, wasm: readFileSync('wasm/dist/linformer-simd128.wasm'), backend: 'simd128' }
  const one = await load(bytes, { backend: 'simd128' })
  const expected = bits(await one.classify(text, { explain: true }))
  one.dispose()
  const long = text.repeat(3)
  const outcomes = new Map()
  for (const stage of ['idle', 'tokenize', 0, 1, 2, 3, 5, 8, 12]) {
    for (const leave of [true, false]) { // with or without leaving the document for the next one at once
      kills.length = 0
      const classifier = await api.load(bytes, options)
      assert.equal(classifier.threads, 3)
      const controller = new AbortController()
      let step = 0
      const strike = () => {
        for (const kill of kills) kill()
        if (leave) controller.abort()
      }
      if (stage === 'idle') strike()
      const first = classifier.classify(long, { signal: controller.signal, explain: true, onProgress: ({ phase }) => {
        if (phase === stage || (phase === 'encode' && step++ === stage)) strike()
      } })
      // Queued before the host has had time to say that the threads are gone.
      const calls = [first, classifier.classify(text, { explain: true }), classifier.classify(text, { explain: true })]
      const [, ...next] = await Promise.all(calls.map((call) => call.then(bits, (error) => {
        assert.ok(['ENGINE', 'ABORTED'].includes(error.code), error.stack)
        if (error.code === 'ENGINE') assert.match(error.message, /a thread ended .*load the model again/)
        return error.code
      })))
      // Whoever answers at all answers right, and nobody who was not asked to is aborted.
      for (const outcome of next) {
        assert.ok(outcome === 'ENGINE' || outcome === expected, outcome)
        const name = outcome === expected ? 'right' : outcome
        outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
      }
      classifier.dispose()
    }
  }
  assert.ok(outcomes.get('ENGINE') > 0)
  t.diagnostic([...outcomes].map(([name, count]) => `${name} ${count}`).join(', '))
  const again = await api.load(bytes, options)
  assert.equal(bits(await again.classify(text, { explain: true })), expected)
  again.dispose()
})

test('disposed of while it works, a classifier with threads says so', async () => {
  const classifier = await load(randomModel(shape), { threads: 3 })
  const running = classifier.classify(text, { onProgress: ({ phase }) => { if (phase === 'encode') classifier.dispose() } })
  await assert.rejects(running, { code: 'DISPOSED' })
  await assert.rejects(classifier.classify(text), { code: 'DISPOSED' })
})

test('a process ends although its threads wait for work', async () => {
  const code = `
    import { load } from '${new URL('../../wasm/node.js', import.meta.url)}'
    import { randomModel } from '${new URL('./helpers/random-model.js', import.meta.url)}'
    const classifier = await load(randomModel({}), { threads: 2 })
    await classifier.classify('text')
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage(classifier.threads)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { execArgv: [] })
  // Both may be told in one go.
  const exited = new Promise((resolve) => worker.once('exit', resolve))
  const threads = await new Promise((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
  })
  assert.equal(threads, 2)
  assert.equal(await exited, 0)
})

test('only a module that imports one memory is made to share it', () => {
  assert.ok(WebAssembly.validate(withSharedMemory(readFileSync('wasm/dist/linformer-simd128.wasm'))))
  const empty = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  for (const other of [empty, [...empty, 1, 0x80], [...empty, 2, 4, 0x80]]) assert.equal(withSharedMemory(new Uint8Array(other)), undefined)
})
