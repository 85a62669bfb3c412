/** The built site on a plain static host, below a path, without any header of ours: so not cross-origin isolated either. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { buildSite } from '../../tools/build-site.js'
import { TYPES } from '../../tools/site.js'
import { launch, serve, temporaryFolder } from './helpers/browsers.js'
import { CHAPTER, chooseSample, classify, idle, press, SAMPLE_LABELS, textOf } from './helpers/page.js'

/**
 * Bytes, from a host that compresses nothing: page, library, module, fonts, the sample, the trunk and its heads, and the 0.3 MB that the
 * service worker keeps besides.
 */
const FIRST_VISIT = 8.8e6

/** @type {string} */
let folder
/** @type {string} */
let address
/** Bytes that were sent, by address. @type {Map<string, number>} */
const sent = new Map()
/** @type {(() => unknown)[]} */
const cleanup = []

before(async () => {
  const temporary = await temporaryFolder()
  cleanup.push(temporary.remove)
  folder = path.join(temporary.folder, 'site')
  await buildSite(folder)
  const host = await serve(http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://host')
    const name = pathname.replace(/^\/some\/path\//, '').replace(/^$/, 'index.html')
    try {
      if (!pathname.startsWith('/some/path/')) throw new Error('not below the path')
      const body = await readFile(path.join(folder, name))
      // As hosts do: the service worker asks again for what the page has, and is told that it has not changed.
      const etag = `"${createHash('sha256').update(body).digest('hex')}"`
      if (request.headers['if-none-match'] === etag) {
        response.writeHead(304, { ETag: etag }).end()
        return
      }
      sent.set(name, (sent.get(name) ?? 0) + body.length)
      response.writeHead(200, { 'Content-Type': TYPES[path.extname(name)], ETag: etag }).end(body)
    } catch {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Not here</title>')
    }
  }))
  address = `${host.origin}/some/path/`
  cleanup.push(host.close)
})

after(async () => {
  for (const undo of cleanup.reverse()) await undo()
})

test('the folder has the page, the library, the models and nothing for other readers', async () => {
  const names = (await readdir(folder, { recursive: true })).filter((name) => path.extname(name) !== '' || name === '_headers')
  for (const name of ['index.html', 'sw.js', '_headers', 'site.css', 'page/main.js', 'workers/low-rank.js', 'wasm/worker-host.js', 'wasm/hosts/thread.js', 'wasm/dist/linformer-relaxed.wasm', 'models/general.safetensors', 'models/sentiment.safetensors', 'reader/document-worker.js', 'reader/cmaps.zip']) {
    assert.ok(names.includes(name), name)
  }
  for (const name of names) assert.doesNotMatch(name, /\.d\.ts$|(^|[-/])node\.js$|package\.json|inline\.js|^bin\/|^(common|teach|chapters|wasm\/engine)\//)
  assert.match(await readFile(path.join(folder, 'sw.js'), 'utf8'), /^const SITE = \{\n {2}"version": "[0-9a-f]{16}"/)
})

test('it classifies there, not isolated, within the first visit\'s bytes, and again without the host', async (t) => {
  const { folder: profile, remove } = await temporaryFolder()
  const browser = await launch('chromium', path.join(profile, 'profile'))
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(180_000)
    /** @type {string[]} */
    const complaints = []
    page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(address)
    await idle(page)
    assert.equal(await page.evaluate(() => globalThis.crossOriginIsolated), false)
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const bytes = [...sent.values()].reduce((a, b) => a + b, 0)
    assert.ok(bytes < FIRST_VISIT, `${bytes} bytes of the first visit: ${JSON.stringify([...sent])}`)
    t.diagnostic(`${bytes} bytes of the first visit`)
    await chooseSample(page, 'note')
    assert.equal(await classify(page), SAMPLE_LABELS.note)

    const protocol = await page.createCDPSession()
    assert.deepEqual((await protocol.send('Page.getInstallabilityErrors')).installabilityErrors, [])
    await page.setOfflineMode(true)
    await page.goto(`${address}?sample=${CHAPTER.id}`)
    await page.waitForFunction(() => document.querySelector('#status')?.textContent === 'Done.')
    assert.equal(await textOf(page, '#result .label'), CHAPTER.label)
    const first = await page.evaluate(() => performance.getEntriesByName('verdict')[0].startTime)
    t.diagnostic(`first verdict ${Math.round(first)} ms after the navigation, from a warm cache`)
    await page.setOfflineMode(false)
    assert.deepEqual(complaints, [])
  } finally {
    await browser.close()
    await remove()
  }
})

test('a new version waits until the page asks for it, then the old one is gone', async () => {
  const { folder: profile, remove } = await temporaryFolder()
  const browser = await launch('chromium', path.join(profile, 'profile'))
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(180_000)
    await page.goto(address)
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const worker = path.join(folder, 'sw.js')
    await writeFile(worker, (await readFile(worker, 'utf8')).replace(/"version": "[0-9a-f]+"/, '"version": "another"'))
    await page.evaluate(() => navigator.serviceWorker.getRegistration().then((registration) => registration?.update()))
    await page.waitForSelector('#update:not([hidden])')
    assert.equal(await page.evaluate(() => caches.keys().then((names) => names.length)), 2)
    await Promise.all([page.waitForNavigation(), press(page, '#update button')])
    await page.waitForFunction(() => caches.keys().then((names) => names.length === 1))
    assert.deepEqual(await page.evaluate(() => caches.keys()), ['linformer-wasm another'])
  } finally {
    await browser.close()
    await remove()
  }
})
