/**
 * Models from wherever people have them: other origins, data URLs, pipes, other realms, caches that do not work.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { inspect, load, LinformerError } from 'linformer-wasm'
import { load as loadInWorker } from 'linformer-wasm/worker'
import { createApi } from '../../wasm/classify/load.js'
import { openCache } from '../../wasm/source/cache.js'
import { modules } from '../../wasm/hosts/modules.js'
import { readAddress } from '../../wasm/source/files-node.js'
import { tiny, withHeader } from './helpers/models.js'

const bytes = tiny()
const folder = await mkdtemp(join(tmpdir(), 'linformer-loading-'))
test.after(() => rm(folder, { recursive: true, force: true }))
const expected = await (await load(bytes)).classify('a text')

async function serve(t, answer) {
  const server = createServer(answer).listen(0)
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${server.address().port}/model.safetensors`
}

/** A response as a page sees one of another origin: few of its headers. */
function foreign(body, length) {
  const response = new Response(body, { headers: { 'content-length': String(length) } })
  return Object.defineProperty(response, 'type', { value: 'cors' })
}

test('from another origin a length is a hint: the body may have been compressed', async (t) => {
  for (const length of [10, gzipSync(bytes).length, bytes.length, bytes.length + 100]) {
    const events = []
    const classifier = await load(foreign(bytes, length), { onProgress: (event) => events.push(event) })
    assert.deepEqual(await classifier.classify('a text'), expected)
    for (const { done, total } of events) assert.ok(total === undefined || done <= total)
  }
  await assert.rejects(load(foreign(bytes.subarray(0, 3000), bytes.length)), { code: 'MODEL_TRUNCATED' })
  const url = await serve(t, (request, response) => {
    const packed = gzipSync(bytes)
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed)
  })
  assert.deepEqual(await (await load(url)).classify('a text'), expected)
})

test('data: and blob: URLs, and messages that do not repeat them', async () => {
  const data = `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`
  const blob = URL.createObjectURL(new Blob([bytes]))
  for (const source of [data, new URL(data), blob]) assert.deepEqual(await (await load(source)).classify('a text'), expected)
  assert.deepEqual(await (await loadInWorker(data)).classify('a text'), expected)
  const long = 'x'.repeat(1e6)
  for (const source of [`data:,${long}`, `data:broken;base64,${long}!`, `./${long}`, `http://127.0.0.1:1/${long}`, new File([long], long)]) {
    await assert.rejects(load(source), (error) => {
      assert.ok(error instanceof LinformerError)
      assert.ok(error.message.length < 1100, `${error.message.length} characters`)
      assert.ok(String(error.details.source).length < 400)
      return true
    })
  }
})

test('names that a stranger has chosen move no cursor in a message', async () => {
  const hostile = 'a\x1b[2J\u202eb\nc\u0085d\ud800'
  const file = withHeader(bytes, (header) => {
    header[hostile] = { dtype: 'F32', shape: [0], data_offsets: [0, 0] }
    header.__metadata__.format = 'linformer'
  })
  for (const source of [file, new File(['x'.repeat(10)], hostile), `./${hostile}`, `http://127.0.0.1:1/${hostile}`]) {
    await assert.rejects(load(source), (error) => {
      assert.ok(error instanceof LinformerError)
      assert.doesNotMatch(error.message, /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
      return true
    })
  }
  await assert.rejects(load(file), { message: /a\\u\{1b\}\[2J\\u\{202e\}b\\u\{a\}c/ })
})

test('pipes and devices', { skip: process.platform === 'win32' }, async () => {
  const pipe = join(folder, 'pipe')
  await promisify(execFile)('mkfifo', [pipe])
  const model = join(folder, 'model.safetensors')
  await writeFile(model, bytes)
  spawn('sh', ['-c', 'cat "$0" > "$1"', model, pipe])
  assert.deepEqual(await (await load(pipe)).classify('a text'), expected)
  await assert.rejects(load('/dev/null'), { code: 'MODEL_TRUNCATED' })
  await assert.rejects(load('/dev/zero', { maxModelBytes: 2 ** 22 }), { code: 'BUDGET_TOO_SMALL' })
  await assert.rejects(load(folder), { code: 'SOURCE_FAILED' })
  // Opened by nobody else, and no byte comes: the signal ends the wait.
  await assert.rejects(load(pipe, { signal: AbortSignal.timeout(50) }), { code: 'ABORTED' })
  spawn('sh', ['-c', 'true > "$0"', pipe]) // or a thread of Node.js waits for ever
})

test('buffers, blobs, URLs and modules of another realm', async () => {
  const there = runInNewContext('({ ArrayBuffer, Uint8Array, DataView })')
  const buffer = new there.ArrayBuffer(bytes.length)
  new Uint8Array(buffer).set(bytes)
  assert.ok(!(buffer instanceof ArrayBuffer))
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  const resizable = new Uint8Array(new ArrayBuffer(bytes.length, { maxByteLength: 2 * bytes.length }))
  resizable.set(bytes)
  class OtherBlob { // its prototype is not Blob's
    #blob = new Blob([bytes])
    get [Symbol.toStringTag]() { return 'Blob' }
    get size() { return this.#blob.size }
    arrayBuffer() { return this.#blob.arrayBuffer() }
  }
  const sources = [buffer, new there.Uint8Array(buffer), new there.DataView(buffer), shared, shared.buffer, resizable, new OtherBlob()]
  for (const source of sources) {
    assert.deepEqual(await (await load(source)).classify('a text'), expected)
  }
  assert.deepEqual(await (await loadInWorker(buffer)).classify('a text'), expected)
})

test('a model beyond maxModelBytes is refused, wherever it comes from', async (t) => {
  const path = join(folder, 'large.safetensors')
  await writeFile(path, bytes)
  const url = await serve(t, (request, response) => response.end(bytes))
  for (const source of [bytes, bytes.buffer, new Blob([bytes]), new Response(bytes), path, url]) {
    const options = { maxModelBytes: bytes.length - 1 }
    for (const call of [load, inspect]) {
      await assert.rejects(call(source instanceof Response ? source.clone() : source, options), { code: 'BUDGET_TOO_SMALL' })
    }
    await load(source instanceof Response ? source.clone() : source, { maxModelBytes: bytes.length })
  }
  await assert.rejects(load(bytes, { maxModelBytes: 0 }), { code: 'BAD_ARGUMENT' })
})

test('whatever fails in a cache means that there is none', async (t) => {
  let requests = 0
  const url = await serve(t, (request, response) => { requests++; response.end(bytes) })
  const boom = () => { throw new DOMException('no', 'SecurityError') }
  const never = async () => undefined
  const caches = {
    'a getter that throws': { get() { boom() } },
    'no Cache API': { value: undefined },
    'open': { value: { open: boom } },
    'open, later': { value: { open: async () => boom() } },
    'match': { value: { open: async () => ({ match: boom, put: boom, delete: boom }) } },
    'put and its quota': { value: { open: async () => ({ match: never, put: async () => { throw new DOMException('full', 'QuotaExceededError') } }) } },
    'a damaged copy that cannot be removed': {
      value: { open: async () => ({ match: async () => new Response('x', { headers: { 'linformer-digest': 'sha256-x' } }), put: boom, delete: boom }) }
    },
    'a copy that breaks off': {
      value: { open: async () => ({ match: async () => new Response(new ReadableStream({ pull() { boom() } }), { headers: { 'linformer-digest': 'sha256-x' } }), put: boom, delete: boom }) }
    }
  }
  const api = createApi({ modules, openCache, readAddress })
  for (const [what, property] of Object.entries(caches)) {
    Object.defineProperty(globalThis, 'caches', { configurable: true, ...property })
    requests = 0
    try {
      assert.deepEqual(await (await api.load(url, { cache: true })).classify('a text'), expected, what)
      assert.equal(requests, 1, what)
      await assert.rejects(api.load(url, { cache: true, signal: AbortSignal.abort() }), { code: 'ABORTED' })
    } finally {
      delete globalThis.caches
    }
  }
})

test('folders that no cache can be in', { skip: process.platform === 'win32' }, async (t) => {
  const url = await serve(t, (request, response) => response.end(bytes))
  const file = join(folder, 'a-file')
  await writeFile(file, '')
  const closed = await mkdtemp(join(folder, 'closed-'))
  await chmod(closed, 0o500)
  for (const cache of [join(file, 'below'), join(closed, 'below'), '/proc/none', 'x'.repeat(5000), 'a\0b']) {
    assert.deepEqual(await (await load(url, { cache })).classify('a text'), expected, cache)
  }
  await chmod(closed, 0o700)
})
