/**
 * The library from another origin than the page's, as from a CDN: on the page, in its worker, and on threads of both; compressed
 * or not; under a policy that names the CDN.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { load } from 'linformer-wasm'
import { buildCdn } from '../../tools/cdn.js'
import { serve, temporaryFolder } from './helpers/browsers.js'
import { VISITORS } from './helpers/visitors.js'

const TEXT = 'An excellent film with a wonderful cast and a great story: I loved every minute of it.'
/** Relaxed SIMD differs in the last bits from simd128. */
const TOLERANCE = 1e-3
const REPOSITORY = new URL('../../', import.meta.url)
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' }
const ENCODERS = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
}

let cdn
let site
let policy
let expected
/** Requests of the CDN's models, as Node.js saw them. */
let downloads = 0
const cleanup = []

/** A CDN: the package's files below a folder for each encoding, with CORS, for ever. */
function createCdn(bundles) {
  const bodies = new Map()
  return http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://cdn')
    const [, encoding, ...segments] = pathname.split('/')
    // A hub, which sends on to where its large files are.
    if (encoding === 'hub') return response.writeHead(302, { 'access-control-allow-origin': '*', location: '/br/models/sentiment.safetensors' }).end()
    // Somebody has copied one file alone.
    if (encoding === 'alone' && !pathname.endsWith('cdn/worker.js')) return response.writeHead(404, { 'access-control-allow-origin': '*' }).end()
    const file = segments[1] === 'cdn' ? path.join(bundles, ...segments.slice(2)) : new URL(segments.join('/'), REPOSITORY)
    try {
      if (!bodies.has(pathname)) bodies.set(pathname, (ENCODERS[encoding] ?? ENCODERS.identity)(await readFile(file)))
    } catch {
      return response.writeHead(404, { 'access-control-allow-origin': '*' }).end()
    }
    if (pathname.endsWith('.safetensors')) downloads++
    const body = bodies.get(pathname)
    response.writeHead(200, {
      'access-control-allow-origin': '*', 'cache-control': 'public, max-age=31536000, immutable', 'content-length': body.length,
      'content-type': TYPES[path.extname(pathname)] ?? 'application/octet-stream', 'content-encoding': encoding in ENCODERS ? encoding : 'identity'
    }).end(body)
  })
}

/** Pages of another origin, with nothing but a script of their own, cross-origin isolated. */
const createSite = () => http.createServer((request, response) => {
  if (request.url === '/favicon.ico') return response.writeHead(204).end()
  response.writeHead(200, {
    'content-type': 'text/html', 'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp'
  }).end('<!doctype html><title>A page</title>')
})

before(async () => {
  const { folder, remove } = await temporaryFolder()
  cleanup.push(remove)
  await buildCdn(path.join(folder, 'cdn'))
  cdn = await serve(createCdn(path.join(folder, 'cdn')))
  cleanup.push(() => cdn.close())
  site = await serve(createSite())
  cleanup.push(() => site.close())
  const classifier = await load('sentiment')
  expected = await classifier.classify(TEXT)
  classifier.dispose()
})
after(async () => {
  for (const undo of cleanup.reverse()) await undo()
})

const policyWith = (workers) => `default-src 'none'; script-src 'unsafe-inline' ${cdn.origin} 'wasm-unsafe-eval'; connect-src ${cdn.origin}; worker-src ${workers} ${cdn.origin}`

/** Imports each script of the CDN, loads a model from there, and classifies with it. */
const CLASSIFY = `
  const [text, scripts, options, model = 'sentiment'] = args
  const results = []
  for (const script of scripts) {
    const { load } = await import(script)
    const start = performance.now()
    const classifier = await load(model, options)
    const { label, score } = await classifier.classify(text)
    results.push({ label, score, threads: classifier.threads, isolated: crossOriginIsolated, ms: performance.now() - start })
    classifier.dispose()
  }
  return results`

async function visitAll(t, name) {
  policy = policyWith('blob:')
  const { folder, remove } = await temporaryFolder()
  t.after(remove)
  const visitor = await VISITORS[name](folder)
  t.after(() => visitor.close())
  return visitor
}

function check(results, threads) {
  for (const result of results) {
    assert.equal(result.label, expected.label)
    assert.ok(Math.abs(result.score - expected.score) < TOLERANCE, `${result.score} instead of ${expected.score}`)
    assert.equal(result.threads, threads)
  }
}

test('Chromium: on the page and in a worker, on two threads, from files and from the whole tree, in every encoding', async (t) => {
  const visitor = await visitAll(t, 'chromium')
  for (const encoding of Object.keys(ENCODERS)) {
    await visitor.open(site.origin)
    const scripts = ['wasm/cdn/index.js', 'wasm/cdn/worker.js', 'wasm/index.js', 'wasm/worker.js'].map((file) => `${cdn.origin}/${encoding}/${file}`)
    check(await visitor.run(CLASSIFY, TEXT, scripts, { threads: 2 }), 2)
  }
  const scripts = ['index', 'worker'].map((entry) => `${cdn.origin}/br/wasm/cdn/${entry}.js`)
  check(await visitor.run(CLASSIFY, TEXT, scripts, { threads: 2 }, 'imdb'), 2) // what it was called before
})

test('Chromium: a copy of the model is kept for the page, by the worker too', async (t) => {
  const visitor = await visitAll(t, 'chromium')
  const script = [`${cdn.origin}/br/wasm/cdn/worker.js`]
  await visitor.open(site.origin)
  check(await visitor.run(CLASSIFY, TEXT, script, { cache: true }), 1)
  downloads = 0
  await visitor.open(site.origin)
  const results = await visitor.run(CLASSIFY, TEXT, script, { cache: true })
  check(results, 1)
  assert.equal(downloads, 0)
  check(await visitor.run(CLASSIFY, TEXT, script, { cache: true, hub: `${cdn.origin}/hub` }, 'hf:owner/name'), 1)
  t.diagnostic(`from warm caches: first label ${Math.round(results[0].ms)} ms after load was called`)
})

test('Chromium: a policy without Blobs, and a script that is missing, are named', async (t) => {
  const visitor = await visitAll(t, 'chromium')
  const failureOf = (url) => visitor.run(`
    const { load } = await import(args[0])
    return load('sentiment').then(() => 'none', ({ code, message }) => code + ': ' + message)`, url)
  policy = policyWith('')
  await visitor.open(site.origin)
  assert.match(await failureOf(`${cdn.origin}/gzip/wasm/cdn/worker.js`), /^WORKER_FAILED: .*worker-src blob: http/)
  policy = policyWith('blob:')
  await visitor.open(site.origin)
  assert.match(await failureOf(`${cdn.origin}/alone/wasm/cdn/worker.js`), /^WORKER_FAILED: .*imports http.*\/alone\/wasm\/cdn\/worker-host\.js, which has to be there/)
})

test('Firefox: in a worker, on two threads', async (t) => {
  const visitor = await visitAll(t, 'firefox')
  await visitor.open(site.origin)
  const results = await visitor.run(CLASSIFY, TEXT, [`${cdn.origin}/gzip/wasm/cdn/worker.js`], { threads: 2 })
  check(results, 2)
})
