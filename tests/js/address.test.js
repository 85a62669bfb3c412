/**
 * Models by address, from a server that behaves as the hub does: redirects to another host, commits and branches, ranges, and
 * pointers or pages in place of files.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { promisify } from 'node:util'
import { inspect, load, LinformerError } from 'linformer-wasm'
import { load as loadInWorker } from 'linformer-wasm/worker'
import { modelAddress } from '../../wasm/source/address.js'
import { tiny } from './helpers/models.js'

const model = tiny()
const other = tiny({}, { seed: 2 })
const digest = `sha256-${createHash('sha256').update(model).digest('base64')}`
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize ${model.length}\n`

/** Files by repository, revision and path. */
const FILES = {
  'owner/name/main/model.safetensors': model,
  'owner/name/v1.0/model.safetensors': other,
  'owner/name/refs%2Fpr%2F1/model.safetensors': other,
  'owner/name/main/a%20folder/file.safetensors': other
}

const requests = []
let hub
let storage
const servers = []

async function listen(answer) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  servers.push(server)
  return `http://127.0.0.1:${server.address().port}`
}

before(async () => {
  // Where the large files are: by name and signature, and with ranges.
  storage = await listen((request, response) => {
    const body = FILES[new URL(request.url, storage).searchParams.get('file')]
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    response.setHeader('accept-ranges', 'bytes')
    if (from === undefined) return response.writeHead(200, { 'content-length': body.length }).end(body)
    const part = body.subarray(Number(from), Number(to) + 1)
    response.writeHead(206, { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${body.length}`, 'content-length': part.length }).end(part)
  })
  hub = await listen((request, response) => {
    const [, owner, name, verb, ...rest] = request.url.split('/')
    requests.push(request.url)
    const repository = `${owner}/${name}`
    if (repository === 'owner/old-name') return response.writeHead(307, { location: request.url.replace('old-name', 'name') }).end()
    if (repository === 'owner/gated') return response.writeHead(403, { 'x-error-code': 'GatedRepo', 'x-error-message': 'Access to model owner/gated is restricted.' }).end()
    if (repository !== 'owner/name') return response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end()
    if (verb === 'raw') return response.writeHead(200, { 'content-type': 'text/plain' }).end(POINTER)
    if (verb === 'blob') return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>owner/name</title>')
    const file = `${repository}/${rest.join('/')}`
    if (FILES[file] === undefined) return response.writeHead(404, { 'x-error-code': 'EntryNotFound', 'x-error-message': 'Entry not found' }).end()
    response.writeHead(302, { location: `${storage}/object?signature=secret&file=${encodeURIComponent(file)}`, 'x-linked-size': FILES[file].length }).end()
  })
})
after(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

const say = async (classifier) => {
  const { scores } = await classifier.classify('a text')
  classifier.dispose()
  return scores
}

test('the address of a file, by the rules', () => {
  const expected = {
    'hf:owner/name': '/owner/name/resolve/main/model.safetensors',
    'hf:owner/name@v1.0': '/owner/name/resolve/v1.0/model.safetensors',
    'hf:owner/name/heads/a.safetensors': '/owner/name/resolve/main/heads/a.safetensors',
    'hf:owner/name@0123abc/a b?#%.safetensors': '/owner/name/resolve/0123abc/a%20b%3F%23%25.safetensors',
    'hf:owner/name@refs%2Fpr%2F1': '/owner/name/resolve/refs%2Fpr%2F1/model.safetensors'
  }
  for (const [address, path] of Object.entries(expected)) {
    assert.equal(String(modelAddress(address)), `https://huggingface.co${path}`)
    assert.equal(String(modelAddress(address, 'http://mirror.test:8080/hub/')), `http://mirror.test:8080/hub${path}`)
  }
  for (const source of ['sentiment', './hf:owner/name', 'https://huggingface.co/owner/name', model, undefined]) assert.equal(modelAddress(source), undefined)
  for (const wrong of ['hf:', 'hf:name', 'hf:owner/', 'hf:/name', 'hf:owner/name/', 'hf:owner/name@', 'hf:owner/name@%', 'hf:../name', 'hf:owner/..', 'hf:owner/name/../x', 'hf:owner/name/a//b', 'HF:owner/name', 'hf:owner/na me', 'hf:owner/name@../x', 'hf:owner/name@%2e%2e']) {
    assert.throws(() => modelAddress(wrong), { code: 'BAD_ARGUMENT' }, wrong)
  }
})

test('here and in a worker: the default file, a revision, a path, a renamed repository', async () => {
  const [first, second] = [await say(await load(model)), await say(await load(other))]
  for (const each of [load, loadInWorker]) {
    assert.deepEqual(await say(await each('hf:owner/name', { hub })), first)
    assert.deepEqual(await say(await each('hf:owner/old-name', { hub: `${hub}/` })), first)
    for (const address of ['hf:owner/name@v1.0', 'hf:owner/name@refs%2Fpr%2F1', 'hf:owner/name/a folder/file.safetensors']) {
      assert.deepEqual(await say(await each(address, { hub })), second, address)
    }
  }
  assert.equal((await inspect('hf:owner/name', { hub })).kind, 'model')
})

test('integrity and cache', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'linformer-hub-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await assert.rejects(load('hf:owner/name@v1.0', { hub, integrity: digest }), { code: 'INTEGRITY' })
  await load('hf:owner/name', { hub, cache: folder, integrity: digest })
  requests.length = 0
  await load('hf:owner/name', { hub, cache: folder, integrity: digest })
  assert.deepEqual(requests, [])
  await load('hf:owner/name@v1.0', { hub, cache: folder })
  assert.equal(requests.length, 1, 'another revision is another file')
  assert.equal((await readdir(folder)).length, 2)
})

test('what is not there, or not for everybody, is named', async () => {
  const message = (pattern) => (error) => {
    assert.ok(error instanceof LinformerError)
    assert.match(error.message, pattern)
    assert.doesNotMatch(error.message, /secret/)
    return error.code === 'SOURCE_FAILED'
  }
  await assert.rejects(load('hf:owner/none', { hub }), message(/\/owner\/none\/resolve\/main\/model\.safetensors answered with HTTP status 401 Unauthorized; it may not exist, or be private/))
  await assert.rejects(load('hf:owner/gated', { hub }), message(/403 Forbidden: Access to model owner\/gated is restricted/))
  await assert.rejects(load('hf:owner/name@v2.0', { hub }), message(/404 Not Found: Entry not found/))
  for (const wrong of ['', 'mirror.test', 'file:///x', 5, null]) await assert.rejects(load('hf:owner/name', { hub: wrong }), { code: 'BAD_ARGUMENT' })
})

test('a pointer or a page in place of the file is named, from a server and from a clone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'linformer-clone-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const clone = join(folder, 'model.safetensors')
  await writeFile(clone, POINTER)
  const pointer = new RegExp(`is a pointer of Git LFS to a file of ${model.length} bytes, not that file: .*/resolve/`)
  for (const source of [`${hub}/owner/name/raw/main/model.safetensors`, clone, new Blob([POINTER])]) {
    await assert.rejects(load(source), { code: 'MODEL_FORMAT', message: pointer })
  }
  await assert.rejects(load(`${hub}/owner/name/blob/main/model.safetensors`), { code: 'MODEL_FORMAT', message: /web page \(HTML\), sent with HTTP status 200.*\/resolve\/ in place of \/blob\// })
})

test('a part of a file is named, and the whole of it as a range is a model', async () => {
  const url = `${storage}/object?file=${encodeURIComponent('owner/name/main/model.safetensors')}`
  const part = (range) => fetch(url, { headers: { range } })
  await assert.rejects(part('bytes=0-999').then((response) => load(response)), { code: 'MODEL_TRUNCATED', message: new RegExp(`206, a part of the file: bytes 0 to 999 of ${model.length}`) })
  await assert.rejects(part(`bytes=8-${model.length}`).then((response) => load(response)), { code: 'MODEL_TRUNCATED' })
  assert.deepEqual(await say(await load(await part(`bytes=0-${model.length}`))), await say(await load(model)))
})

test('the command line, with HF_ENDPOINT', async () => {
  const run = (...args) => promisify(execFile)(process.execPath, ['bin/linformer.js', ...args], { env: { ...process.env, HF_ENDPOINT: hub } })
  const { stdout } = await run('classify', '--json', '--model', 'hf:owner/name', 'LICENSE')
  assert.equal(typeof JSON.parse(stdout).label, 'string')
})
