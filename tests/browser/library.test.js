/** The library's worker and cache in a real browser, under the strict policy of tools/serve.js. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import puppeteer from 'puppeteer-core'

import { load } from 'linformer-wasm'
import { createServer } from '../../tools/serve.js'
import { longestTask } from './helpers/page.js'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const LONGEST_TASK = 200 // ms of the processor in the page's thread: it has nothing to do
const TEXT = 'An excellent film with a wonderful cast and a great story: I loved every minute of it. '

const server = createServer()
/** @type {string} */
let folder
/** @type {import('puppeteer-core').Browser} */
let browser
/** @type {import('puppeteer-core').Page} */
let page

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  folder = await mkdtemp(path.join(tmpdir(), 'worker-'))
  browser = await puppeteer.launch({
    executablePath: CHROMIUM, userDataDir: path.join(folder, 'profile'),
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
  page = await browser.newPage()
  // A page of the server, with its headers and nothing of the demo's.
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  await page.goto(`http://127.0.0.1:${port}/web/none.txt`)
})

after(async () => {
  await browser?.close()
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

test('shipped models by name: with the modules inside the JavaScript, on the page and in a worker of its own', async () => {
  const found = await page.evaluate(async (text) => {
    const { load } = await import('/wasm/inline.js')
    const { load: loadInWorker } = await import('/wasm/worker.js')
    const labels = []
    for (const begin of [load, loadInWorker]) {
      for (const name of ['sentiment', 'imdb']) { // the second is what it was called before
        const classifier = await begin(name)
        labels.push((await classifier.classify(text)).label)
        classifier.dispose()
      }
    }
    return labels
  }, TEXT)
  assert.deepEqual(found, ['positive', 'positive', 'positive', 'positive'])
})

test('a classifier in a module worker: same results, progress, no long task on the page', async (t) => {
  const use = () => page.evaluate(async (text) => {
    const { load } = await import('/wasm/worker.js')
    const events = /** @type {string[]} */ ([])
    const classifier = await load('/models/sentiment.safetensors', { onProgress: (/** @type {any} */ { phase }) => events.push(phase) })
    const result = await classifier.classify(text.repeat(2000), { onProgress: (/** @type {any} */ { phase }) => events.push(phase) })
    const same = await classifier.classify([text, ''])
    const { backend, memory } = classifier
    classifier.dispose()
    return { result, same, backend, memory, phases: [...new Set(events)] }
  }, TEXT)
  /** @type {Awaited<ReturnType<typeof use>>} */
  let found
  const longest = await longestTask(page, async () => { found = await use() })
  const classifier = await load('models/sentiment.safetensors')
  const expected = await classifier.classify(TEXT.repeat(2000))
  assert.equal(found.result.label, expected.label)
  assert.equal(found.result.tokens, expected.tokens)
  assert.ok(Math.abs(found.result.score - expected.score) < 1e-3, 'as close as relaxed SIMD is')
  assert.equal(found.same[0].label, 'positive')
  assert.ok('error' in found.same[1])
  assert.deepEqual(found.memory.total, classifier.memory.total)
  assert.deepEqual(found.phases, ['download', 'weights', 'tokenize', 'encode'])
  t.diagnostic(`longest task of the page: ${longest.toFixed(1)} ms of the processor`)
  assert.ok(longest < LONGEST_TASK, `a task of ${longest} ms`)
})

test('abort, dispose and a worker that dies', async () => {
  const found = await page.evaluate(async (text) => {
    const { load } = await import('/wasm/worker.js')
    const codeOf = (/** @type {Promise<any>} */ promise) => promise.then(() => 'none', ({ name, code }) => `${name} ${code}`)
    const classifier = await load(await fetch('/models/sentiment.safetensors'))
    const controller = new AbortController()
    let settled = false
    /** Whether the promise was settled in the turn after the abort. @type {Promise<boolean> | undefined} */
    let atOnce
    const onProgress = (/** @type {any} */ { phase }) => {
      if (phase !== 'encode' || atOnce !== undefined) return
      controller.abort()
      atOnce = new Promise((resolve) => setTimeout(() => resolve(settled), 0))
    }
    const codes = [await codeOf(classifier.classify(new Array(50).fill(text.repeat(400)), { signal: controller.signal, onProgress }).finally(() => { settled = true }))]
    const prompt = await atOnce
    const { label } = await classifier.classify(text)
    const running = codeOf(classifier.classify(text.repeat(400)))
    classifier.dispose()
    codes.push(await running, await codeOf(classifier.classify(text)))
    codes.push(await codeOf(load('/models/sentiment.safetensors', { worker: new Worker('/wasm/no-such-file.js', { type: 'module' }) })))
    const { message } = await load('/models/sentiment.safetensors', { worker: new Worker('/wasm/no-such-file.js', { type: 'module' }) }).catch((/** @type {any} */ error) => error)
    codes.push(await codeOf(load('/models/none.safetensors')))
    const { Worker: whole } = globalThis
    globalThis.Worker = class { constructor() { throw new DOMException('of another origin', 'SecurityError') } }
    codes.push(await codeOf(load('/models/sentiment.safetensors')))
    globalThis.Worker = whole
    return { codes, prompt, label, message }
  }, TEXT)
  assert.deepEqual(found.codes, [
    'LinformerError ABORTED', 'LinformerError DISPOSED', 'LinformerError DISPOSED', 'LinformerError WORKER_FAILED', 'LinformerError SOURCE_FAILED',
    'LinformerError WORKER_FAILED'
  ])
  assert.equal(found.prompt, true)
  assert.match(found.message, /could not be started: is its script missing.*cross-origin isolated: .*Cross-Origin-Embedder-Policy too\); load/)
  assert.equal(found.label, 'positive')
})

test('the cache: one download, checked each time, a damaged copy fetched again', async () => {
  const downloads = /** @type {string[]} */ ([])
  page.on('request', (request) => { if (request.url().endsWith('.safetensors')) downloads.push(request.url()) })
  const use = (/** @type {Record<string, unknown>} */ options) => page.evaluate(async (options) => {
    const { load } = await import('/wasm/index.js')
    const classifier = await load('/models/sentiment.safetensors', options)
    classifier.dispose()
    return (await caches.keys()).sort()
  }, options)
  assert.deepEqual(await use({}), [], 'none unless asked for')
  assert.deepEqual(await use({ cache: true }), ['linformer-wasm'])
  assert.equal(downloads.length, 2)
  assert.deepEqual(await use({ cache: true }), ['linformer-wasm'])
  assert.equal(downloads.length, 2)
  assert.deepEqual(await use({ cache: 'other' }), ['linformer-wasm', 'other'])
  assert.equal(downloads.length, 3)

  const spoil = (/** @type {number} */ length) => page.evaluate(async (length) => {
    const cache = await caches.open('linformer-wasm')
    const [request] = await cache.keys()
    const entry = /** @type {Response} */ (await cache.match(request))
    await cache.put(request, new Response((await entry.arrayBuffer()).slice(0, length), { headers: entry.headers }))
  }, length)
  await spoil(100_000)
  await use({ cache: true })
  assert.equal(downloads.length, 4)
  await use({ cache: true })
  assert.equal(downloads.length, 4)

  const found = await page.evaluate(async () => {
    const { load } = await import('/wasm/worker.js')
    const classifier = await load('/models/sentiment.safetensors', { cache: true })
    classifier.dispose()
    const refused = await load('/models/sentiment.safetensors', { cache: true, integrity: `sha256-${'A'.repeat(43)}=` }).catch((/** @type {any} */ error) => error.code)
    return { refused, left: (await (await caches.open('linformer-wasm')).keys()).length }
  })
  assert.deepEqual(found, { refused: 'INTEGRITY', left: 0 })
})
