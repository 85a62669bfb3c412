/**
 * The cache of Node.js: asked for, whole or not there, and checked.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { inspect, load } from 'linformer-wasm'
import { tiny } from './helpers/models.js'

let body = tiny()
let requests = 0
const server = createServer((request, response) => { requests++; response.end(body) }).listen(0)
await new Promise((resolve) => server.once('listening', resolve))
test.after(() => { server.closeAllConnections(); server.close() })
const url = `http://127.0.0.1:${server.address().port}/model.safetensors`

const folder = await mkdtemp(join(tmpdir(), 'linformer-cache-'))
const digest = async (bytes) => `sha256-${Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('base64')}`

/** How many requests `use` makes. */
async function requestsOf(use) {
  const before = requests
  await use()
  return requests - before
}

test('nothing is kept unless asked for, and then in the folder of the XDG specification', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'linformer-home-'))
  const { XDG_CACHE_HOME: was } = process.env
  t.after(() => { if (was === undefined) delete process.env.XDG_CACHE_HOME; else process.env.XDG_CACHE_HOME = was })
  process.env.XDG_CACHE_HOME = home
  await load(url)
  await load(url, { cache: false })
  await load(body, { cache: true })
  assert.deepEqual(await readdir(home), [])
  await load(url, { cache: true })
  assert.deepEqual(await readdir(home), ['linformer-wasm'])
  const names = await readdir(join(home, 'linformer-wasm'))
  assert.equal(names.length, 1)
  assert.match(names[0], /^[0-9a-f]{64}-[0-9a-f]{64}\.safetensors$/)
  assert.deepEqual(new Uint8Array(await readFile(join(home, 'linformer-wasm', names[0]))), body)
})

test('the second load makes no request, and gives the same', async () => {
  assert.equal(await requestsOf(() => load(url, { cache: folder })), 1)
  const events = []
  let classifier
  assert.equal(await requestsOf(async () => {
    classifier = await load(url, { cache: folder, integrity: await digest(body), onProgress: (event) => events.push(event) })
    await load(`${url}#anchor`, { cache: folder })
    await inspect(new URL(url), { cache: folder })
  }), 0)
  assert.deepEqual(events[0], { phase: 'download', done: body.length, total: body.length })
  assert.deepEqual(await classifier.classify('text'), await (await load(body)).classify('text'))
})

test('a copy that was cut or changed is fetched again', async () => {
  const [name] = await readdir(folder)
  const path = join(folder, name)
  const damages = [
    () => truncate(path, 1000),
    () => truncate(path, 0),
    async () => { const bytes = await readFile(path); bytes[bytes.length - 1] ^= 1; await writeFile(path, bytes) }
  ]
  for (const damage of damages) {
    await damage()
    assert.equal(await requestsOf(() => load(url, { cache: folder })), 1)
    assert.deepEqual(new Uint8Array(await readFile(path)), body)
  }
})

test('integrity that names another file than the copy: fetched again, checked, and kept in its place', async () => {
  const before = body
  body = tiny({}, { seed: 2 })
  await assert.rejects(load(url, { cache: folder, integrity: await digest(tiny({}, { seed: 3 })) }), { code: 'INTEGRITY' })
  assert.deepEqual(await readdir(folder), [])
  await load(url, { cache: folder })
  assert.equal(await requestsOf(async () => load(url, { cache: folder, integrity: await digest(body) })), 0)
  body = before
  assert.equal(await requestsOf(async () => load(url, { cache: folder, integrity: await digest(before) })), 1)
  assert.equal((await readdir(folder)).length, 1)
})

test('what is no model is not kept', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'linformer-cache-'))
  const whole = body
  for (const [wrong, code] of [[new TextEncoder().encode('<!doctype html>'), 'MODEL_FORMAT'], [whole.subarray(0, 5000), 'MODEL_TRUNCATED']]) {
    body = wrong
    await assert.rejects(load(url, { cache: empty }), { code })
    assert.deepEqual(await readdir(empty), [])
  }
  body = whole
})

test('many loads at once, and what an interrupted one has left, do no harm', async () => {
  const shared = await mkdtemp(join(tmpdir(), 'linformer-cache-'))
  await writeFile(join(shared, 'left-over.tmp'), body.subarray(0, 1000))
  await Promise.all(Array.from({ length: 8 }, () => load(url, { cache: shared })))
  assert.deepEqual((await readdir(shared)).filter((name) => name !== 'left-over.tmp').length, 1)
  assert.equal(await requestsOf(() => load(url, { cache: shared })), 0)
})

test('a cache that cannot be written to leaves the model usable', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'linformer-cache-'))
  await writeFile(join(parent, 'file'), '')
  const classifier = await load(url, { cache: join(parent, 'file', 'folder') })
  assert.ok((await classifier.classify('text')).label)
  await mkdir(join(parent, 'other'))
  for (const cache of [5, '', {}]) await assert.rejects(load(url, { cache }), { code: 'BAD_ARGUMENT' })
})
