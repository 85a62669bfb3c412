/**
 * A plateau of memory: a thousand classifiers made and disposed of, ten thousand documents read, and nothing that stays.
 */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { load } from 'linformer-wasm'
import * as worker from 'linformer-wasm/worker'
import { inUse } from './helpers/memory.js'
import { tiny } from './helpers/models.js'

const MB = 2 ** 20

const module = new WebAssembly.Module(readFileSync('wasm/dist/linformer-simd128.wasm'))
const quick = { wasm: module, backend: 'simd128' }
const bytes = tiny()

/** How much use grows from a first tenth of the repetitions to the end. */
async function growth(count, once) {
  for (let i = 0; i < count / 10; i++) await once(i)
  const before = await inUse()
  for (let i = 0; i < count; i++) await once(i)
  return (await inUse()) - before
}

test('1,000 loads and disposals', { timeout: 120_000 }, async (t) => {
  const grown = await growth(1000, async (i) => {
    const classifier = await load(bytes, quick)
    if (i % 4 === 0) await classifier.classify('a few words')
    if (i % 7 === 0) await classifier.classify('').catch(() => {})
    classifier.dispose()
  })
  t.diagnostic(`${(grown / MB).toFixed(2)} MB more after 1,000`)
  assert.ok(grown < 2 * MB, `${grown} bytes`)
})

test('1,000 loads that fail', { timeout: 120_000 }, async (t) => {
  const broken = bytes.slice(0, bytes.length - 1)
  const grown = await growth(1000, async (i) => {
    await assert.rejects(load(i % 2 ? broken : new Response(broken), quick))
    if (i % 10 === 0) await assert.rejects(load(bytes, { ...quick, memoryBudget: 1000 }))
  })
  t.diagnostic(`${(grown / MB).toFixed(2)} MB more after 1,000`)
  assert.ok(grown < 2 * MB, `${grown} bytes`)
})

test('10,000 documents, good and bad, explained, aborted', { timeout: 120_000 }, async (t) => {
  const classifier = await load(bytes, quick)
  const { signal } = new AbortController()
  const grown = await growth(10_000, async (i) => {
    await classifier.classify(`document ${i} of many`, { signal, explain: i % 5 === 0 })
    if (i % 50 === 0) await assert.rejects(classifier.classify('', { signal }))
    if (i % 100 === 0) await assert.rejects(classifier.classify('text', { signal: AbortSignal.abort() }))
  })
  t.diagnostic(`${(grown / MB).toFixed(2)} MB more after 10,000`)
  assert.ok(grown < 2 * MB, `${grown} bytes`)
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})

test('20 workers, and nothing left on the process', { timeout: 120_000 }, async () => {
  const names = process.eventNames()
  const counts = () => names.map((name) => process.listenerCount(name))
  const before = counts()
  const { signal } = new AbortController()
  for (let i = 0; i < 20; i++) {
    const classifier = await worker.load(bytes, { signal })
    await classifier.classify('a few words', { signal })
    classifier.dispose()
  }
  assert.deepEqual(process.eventNames(), names)
  assert.deepEqual(counts(), before)
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})
