/** The demo's server: what it hands out, with which headers, and what it refuses. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

import { createServer } from '../../tools/serve.js'

const SCRIPT = fileURLToPath(new URL('../../tools/serve.js', import.meta.url))

/** @type {string} */
let root
/** @type {http.Server} */
let server

before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'serve-'))
  const files = {
    'web/index.html': '<!doctype html><title>page</title>\n<script type="module" src="page/ahead.js"></script>\n<script type="module" src="page/main.js"></script>\n',
    'web/sw.js': 'oninstall = () => SITE.first\n',
    'web/site.css': "@import './style.css';\n",
    'web/style.css': 'body { margin: 0; }\n',
    'web/main.js': 'export {}\n',
    'web/page/arrival.js': 'document.title = "here"\n',
    'web/page/ahead.js': 'import { name } from "../common/name.js"\nconsole.log(name)\n',
    'web/page/main.js': 'import { name } from "../common/name.js"\nimport { place } from "../wasm/worker.js"\nconsole.log(name, place)\n',
    'web/common/name.js': 'export const name = "first name"\n',
    'web/workers/documents.js': 'console.log("documents")\n',
    'web/workers/complexity.js': 'console.log("complexity")\n',
    'web/workers/low-rank.js': 'console.log("low rank")\n',
    'wasm/worker.js': 'export const place = new URL("./worker-host.js", import.meta.url)\n',
    'wasm/worker-host.js': 'console.log("host")\n',
    'wasm/hosts/thread.js': 'console.log("thread")\n',
    'documents/cmaps.zip': 'maps',
    'node_modules/unpdf/dist/pdfjs.mjs': 'export {}\n',
    'web/empty.txt': '',
    'web/long.js': `export default ${JSON.stringify('words '.repeat(2000))}\n`,
    'web/long.woff2': 'words '.repeat(2000),
    'web/a file.txt': 'spaces\n',
    'web/tool.sh': 'true\n',
    'web/.hidden/key.txt': 'secret\n',
    'wasm/dist/engine.wasm': '\0asm\x01\0\0\0',
    'models/m.safetensors': 'weights',
    'bin/random-weights.js': 'export {}\n',
    'bin/other.js': 'secret\n',
    'src/secret.txt': 'secret\n',
    'websecret/secret.txt': 'secret\n',
    'package.json': '{}\n',
    'secret.txt': 'secret\n'
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true })
    await writeFile(path.join(root, name), text)
  }
  await symlink('../secret.txt', path.join(root, 'web/link.txt'))
  await symlink('../src', path.join(root, 'web/linked'))
  await symlink('main.js', path.join(root, 'web/alias.js'))
  server = createServer({ root })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

after(async () => {
  server.closeAllConnections()
  server.close()
  await rm(root, { recursive: true })
})

/**
 * Sends the path exactly as given: `fetch` would tidy the '..' away before it left.
 * @param {string} url
 * @param {{ method?: string, headers?: Record<string, string> }} [options]
 * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, body: string, bytes: Buffer }>}
 */
async function ask(url, options = {}) {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const request = http.request({ host: '127.0.0.1', port, path: url, ...options }).end()
  const [response] = await once(request, 'response')
  const bytes = Buffer.concat(await response.toArray())
  return { status: response.statusCode, headers: response.headers, body: bytes.toString(), bytes }
}

test('files come with their type, their length and their text', async () => {
  const expected = [
    ['/', 'text/html; charset=utf-8'],
    ['/index.html', 'text/html; charset=utf-8'],
    ['/?model=x', 'text/html; charset=utf-8'],
    ['/main.js', 'text/javascript; charset=utf-8'],
    ['/alias.js', 'text/javascript; charset=utf-8'],
    ['/site.css', 'text/css; charset=utf-8'],
    ['/page/main.js', 'text/javascript; charset=utf-8'],
    ['/page/main.js.map', 'application/json; charset=utf-8'],
    ['/a%20file.txt', 'text/plain; charset=utf-8'],
    ['/empty.txt', 'text/plain; charset=utf-8'],
    ['/wasm/dist/engine.wasm', 'application/wasm'],
    ['/models/m.safetensors', 'application/octet-stream'],
    ['/bin/random-weights.js', 'text/javascript; charset=utf-8']
  ]
  for (const [url, type] of expected) {
    const { status, headers, body } = await ask(url)
    assert.equal(status, 200, url)
    assert.equal(headers['content-type'], type, url)
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)), url)
  }
  assert.equal((await ask('/models/m.safetensors')).body, 'weights')
})

test('every answer carries the safety headers', async () => {
  for (const [url, status] of /** @type {[string, number][]} */ ([['/', 200], ['/sw.js', 200], ['/none.js', 404], ['/%', 400]])) {
    const { status: actual, headers } = await ask(url)
    assert.equal(actual, status, url)
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin', url)
    assert.equal(headers['cross-origin-embedder-policy'], 'require-corp', url)
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', url)
    assert.equal(headers['x-content-type-options'], 'nosniff', url)
    assert.equal(headers['referrer-policy'], 'no-referrer', url)
    const policy = headers['content-security-policy'] ?? ''
    for (const directive of ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(String(policy).includes(directive), `${url}: ${directive}`)
    }
    assert.ok(!/unsafe-inline|'unsafe-eval'|\*/.test(String(policy)), url)
  }
})

test('the service worker is headed by what it keeps, and every change makes another version', async () => {
  const read = async () => {
    const { status, headers, body } = await ask('/sw.js')
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8')
    assert.match(body, /\n\noninstall = \(\) => SITE\.first\n$/)
    return JSON.parse(/^const SITE = ([\s\S]*?\n\})/.exec(body)?.[1] ?? '')
  }
  const one = await read()
  assert.deepEqual(one.later, ['models/m.safetensors', 'reader/cmaps.zip', 'reader/document-worker.js', 'reader/pdfjs.js'])
  for (const name of ['index.html', 'site.css', 'page/main.js', 'wasm/worker-host.js', 'wasm/dist/engine.wasm', 'empty.txt']) assert.ok(one.first.includes(name), name)
  // Neither what is no part of the site, nor sources and what only a debugger wants.
  for (const name of ['sw.js', 'bin/other.js', 'link.txt', 'linked/secret.txt', '.hidden/key.txt', 'tool.sh', 'style.css', 'common/name.js', 'wasm/worker.js', 'bin/random-weights.js', 'page/main.js.map']) {
    assert.ok(![...one.first, ...one.later].includes(name), name)
  }
  assert.deepEqual(await read(), one, 'the same while nothing changes')
  await writeFile(path.join(root, 'web/empty.txt'), 'not empty\n')
  assert.notEqual((await read()).version, one.version)
  await writeFile(path.join(root, 'web/empty.txt'), '')
})

test('programs come in one piece, and what is edited shows when the page is loaded again', async () => {
  const page = (await ask('/')).body
  const [chunk] = /page\/chunk-\w+\.js/.exec(page) ?? []
  assert.match(page, new RegExp(`<link rel="modulepreload" href="${chunk}">\\s+<script type="module" src="page/ahead`), 'what both programs import is asked for with them')
  assert.match((await ask(`/${chunk}`)).body, /first name/)
  const main = await ask('/page/main.js')
  assert.match(main.body, /new URL\("\.\/worker-host\.js",new URL\("\.\.\/wasm\/worker\.js",import\.meta\.url\)\.href\)/, 'from the address of its module')
  assert.deepEqual(JSON.parse((await ask('/page/main.js.map')).body).sources.map((/** @type {string} */ name) => path.basename(name)), ['worker.js', 'main.js'])
  assert.match((await ask('/site.css')).body, /^body\{margin:0\}/)
  assert.match((await ask('/wasm/worker.js')).body, /^export const place/, 'a module by itself is as it is')

  const source = path.join(root, 'web/common/name.js')
  await writeFile(source, 'export const name = "second name"\n')
  const edited = (await ask('/')).body
  const [other] = /page\/chunk-\w+\.js/.exec(edited) ?? []
  assert.notEqual(other, chunk)
  assert.match((await ask(`/${other}`)).body, /second name/)
  assert.equal((await ask(`/${chunk}`)).status, 404)
  assert.deepEqual(await readdir(path.join(root, 'build')), ['bundles'])
})

test('a program with an error is a 500 until it is mended', async (t) => {
  const source = path.join(root, 'web/common/name.js')
  const before = await readFile(source, 'utf8')
  const complaints = t.mock.method(console, 'error', () => {})
  await writeFile(source, 'export const name = \n')
  assert.equal((await ask('/')).status, 500)
  assert.match(String(complaints.mock.calls[0].arguments[0]), /web\/common\/name\.js:\d+:\d+: ERROR/)
  await writeFile(source, before)
  assert.equal((await ask('/')).status, 200)
})

test('nothing outside the site can be reached', async () => {
  const paths = [
    '/package.json', '/secret.txt', '/web/index.html', '/bin/other.js', '/wasm/../secret.txt', '/models/../../secret.txt', '/reader/../secret.txt', '/src/secret.txt', '/websecret/secret.txt',
    '/../secret.txt', '/../src/secret.txt', '/../secret.txt', '/./../secret.txt', '//secret.txt',
    '/%2e%2e/secret.txt', '/%2E%2E/secret.txt', '/.%2e/secret.txt', '/..%2fsecret.txt',
    '/wasm%2f..%2fsecret.txt', '/%2e%2e/secret.txt', '/%252e%252e/secret.txt', '/%252e%252e%252fsecret.txt',
    '/..%5csecret.txt', '/..\\secret.txt', '/%00/../../secret.txt', '/index.html%00.txt',
    '/%c0%ae%c0%ae/secret.txt', '/..;/secret.txt', '//../secret.txt', '/%2f%2e%2e%2fsecret.txt',
    '/.hidden/key.txt', '/link.txt', '/linked/secret.txt', '/tool.sh',
    `/%2f${root.slice(1)}/secret.txt`, '*', 'secret.txt', 'http://127.0.0.1/index.html'
  ]
  for (const url of paths) {
    const { status, body } = await ask(url)
    assert.ok(status === 404 || status === 400, `${url}: ${status}`)
    assert.ok(!/^secret$/m.test(body), url)
  }
})

test('what is not there is a 404 in words', async () => {
  for (const url of ['/none.html', '/none/', '/wasm/', '/wasm', '/models/', '/main.js/', '/index.html/x.js', '/favicon.ico', `/${'a'.repeat(300)}.js`]) {
    const { status, headers, body } = await ask(url)
    assert.equal(status, 404, url)
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
    assert.match(body, /^404: there is nothing here by that name\n$/)
  }
  assert.equal((await ask('/%')).status, 400)
  assert.equal((await ask('/%ff')).status, 400)
})

test('HEAD says what GET would, without the text', async () => {
  for (const url of ['/index.html', '/none.html', '/models/m.safetensors']) {
    const [get, head] = [await ask(url), await ask(url, { method: 'HEAD' })]
    assert.equal(head.status, get.status)
    assert.equal(head.body, '')
    for (const name of ['content-type', 'content-length', 'etag']) assert.equal(head.headers[name], get.headers[name])
  }
})

test('text is compressed, in what the client takes and prefers', async () => {
  const text = await readFile(path.join(root, 'web/long.js'), 'utf8')
  const unpack = /** @type {Record<string, (bytes: Buffer) => Buffer>} */ ({ br: brotliDecompressSync, gzip: gunzipSync })
  const cases = /** @type {[string | undefined, string | undefined][]} */ ([
    ['gzip, deflate, br, zstd', 'br'], ['gzip', 'gzip'], ['GZIP;Q=0.5', 'gzip'], ['br;q=0.5, gzip', 'gzip'], ['br;q=0, *', 'gzip'], ['*', 'br'],
    ['br;q=0, gzip;q=0', undefined], ['*;q=0', undefined], ['identity', undefined], ['identity, gzip;q=0.5', undefined], ['deflate', undefined],
    ['', undefined], ['br;q=two', undefined], [undefined, undefined]
  ])
  const tags = new Set()
  for (const [accept, coding] of cases) {
    const headers = accept === undefined ? undefined : { 'Accept-Encoding': accept }
    const answer = await ask('/long.js', { headers })
    assert.equal(answer.headers['content-encoding'], coding, accept)
    assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8')
    assert.equal(answer.headers.vary, 'Accept-Encoding', accept)
    assert.equal(answer.headers['content-length'], String(answer.bytes.length), accept)
    assert.equal((coding === undefined ? answer.bytes : unpack[coding](answer.bytes)).toString(), text, accept)
    if (coding !== undefined) assert.ok(answer.bytes.length < text.length / 4)
    tags.add(answer.headers.etag)
    const again = await ask('/long.js', { headers: { ...headers, 'If-None-Match': answer.headers.etag ?? '' } })
    assert.equal(again.status, 304, accept)
    const head = await ask('/long.js', { method: 'HEAD', headers })
    for (const name of ['content-length', 'content-encoding', 'etag', 'vary']) assert.equal(head.headers[name], answer.headers[name], name)
    assert.equal(head.body, '')
  }
  assert.equal(tags.size, 3, 'each form of a file has a tag of its own')
})

test('a changed file is compressed anew; the service worker too; what is compressed already is not', async () => {
  const headers = { 'Accept-Encoding': 'br' }
  const long = 'long line\n'.repeat(1000)
  await writeFile(path.join(root, 'web/changing.css'), long)
  assert.equal(brotliDecompressSync((await ask('/changing.css', { headers })).bytes).toString(), long)
  await writeFile(path.join(root, 'web/changing.css'), `${long}end`)
  assert.equal(brotliDecompressSync((await ask('/changing.css', { headers })).bytes).toString(), `${long}end`)
  for (const url of ['/long.woff2', '/models/m.safetensors', '/main.js', '/none.js']) assert.equal((await ask(url, { headers })).headers['content-encoding'], undefined, url)
  const [plain, packed] = [await ask('/sw.js'), await ask('/sw.js', { headers })]
  assert.equal((packed.headers['content-encoding'] === 'br' ? brotliDecompressSync(packed.bytes) : packed.bytes).toString(), plain.body)
})

test('other methods are refused', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
    const { status, headers } = await ask('/index.html', { method })
    assert.equal(status, 405, method)
    assert.equal(headers.allow, 'GET, HEAD')
  }
})

test('a file is sent again only when it changed', async () => {
  const url = '/changing.txt'
  await writeFile(path.join(root, 'web', url), 'one\n')
  const first = await ask(url)
  const tag = first.headers.etag ?? ''
  assert.match(tag, /^"[0-9a-f]+-[0-9a-f]+"$/)
  assert.equal(first.headers['cache-control'], 'no-cache')

  for (const header of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const again = await ask(url, { headers: { 'If-None-Match': header } })
    assert.equal(again.status, 304, header)
    assert.equal(again.body, '')
    assert.equal(again.headers.etag, tag)
  }
  assert.equal((await ask(url, { headers: { 'If-None-Match': '"other"' } })).status, 200)

  await writeFile(path.join(root, 'web', url), 'three\n')
  const changed = await ask(url, { headers: { 'If-None-Match': tag } })
  assert.equal(changed.status, 200)
  assert.equal(changed.body, 'three\n')
})

/** @param {string[]} args */
function start(...args) {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (output.stderr += text))
  return { child, output }
}

test('the command prints the address it listens on, and serves the repository', async () => {
  const { child, output } = start('--port', '0')
  try {
    while (!output.stdout.includes('\n')) await once(child.stdout, 'data')
    assert.match(output.stdout, /^http:\/\/127\.0\.0\.1:\d+\/\n$/)
    const page = await fetch(output.stdout.trim())
    assert.equal(page.status, 200)
    assert.match(await page.text(), /^<!doctype html>/)
    assert.equal((await fetch(new URL('/package.json', page.url))).status, 404)
  } finally {
    child.kill()
  }
})

test('a port in use is said in words, exit 1', async () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const { child, output } = start('--port', String(port))
  const [code] = await once(child, 'close')
  assert.equal(code, 1)
  assert.equal(output.stdout, '')
  assert.equal(output.stderr, `serve: port ${port} of 127.0.0.1 is in use; choose another with --port, or 0 for any free one\n`)
})

test('wrong use is said in words, exit 2', async () => {
  for (const args of [['--port', 'x'], ['--port', '65536'], ['--port', '-1'], ['--nonsense'], ['extra']]) {
    const { child, output } = start(...args)
    const [code] = await once(child, 'close')
    assert.equal(code, 2, args.join(' '))
    assert.match(output.stderr, /^serve: .*\n(.*\n)*usage: /)
  }
})
