#!/usr/bin/env node
/**
 * The demo's server: `node tools/serve.js [--port 8080] [--host 127.0.0.1]`.
 *
 * It hands out the files of tools/site.js, the modules that they are bundled from, and nothing else, read only, with the headers that a
 * careful site would send; so what works here works under a strict policy elsewhere.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { open } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeBundles } from './bundles.js'
import { codingFor, Compressed, varies } from './encodings.js'
import { locate, REPOSITORY, SERVICE_WORKER, serviceWorker, siteFiles, TYPES } from './site.js'

// The page's own policy, and the one directive that a meta tag cannot carry.
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

// COOP and COEP make the page cross-origin isolated, which shared memory (threads) asks for.
const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff'
}

/** A server over the repository (or another folder laid out like it); the caller calls `listen`. */
export function createServer({ root = REPOSITORY } = {}) {
  const compressed = new Compressed()
  return http.createServer((request, response) => {
    respond(root, compressed, request, response).catch((error) => {
      // The reader went away in the middle of a file: nobody is left to tell.
      if (!response.headersSent && !response.destroyed) refuse(response, 500, 'the server failed to read that file')
      else response.destroy()
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error)
    })
  })
}

/**
 * @param {string} root
 * @param {Compressed} compressed
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 */
async function respond(root, compressed, request, response) {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return refuse(response, 405, 'only GET and HEAD are answered here')
  }
  const [pathname] = (request.url ?? '').split(/\?/)
  const segments = parsePath(pathname)
  if (segments === undefined) return refuse(response, 400, 'that is not a path')
  if (segments.join('/') === SERVICE_WORKER) return sendServiceWorker(root, compressed, response)
  const found = await openFile(root, segments)
  if (found === undefined) return refuse(response, 404, 'there is nothing here by that name')

  try {
    const { size, mtimeMs } = await found.file.stat()
    const version = `${size.toString(16)}-${Math.round(mtimeMs * 1000).toString(16)}`
    const coding = codingFor(request.headers['accept-encoding'], found.type, size)
    const tag = coding === undefined ? `"${version}"` : `"${version}-${coding}"`
    response.setHeader('ETag', tag)
    if (varies(found.type)) response.setHeader('Vary', 'Accept-Encoding')
    // Ask again every time: an edited file shows at once, and a large unchanged one is not sent twice.
    response.setHeader('Cache-Control', 'no-cache')
    if (matches(request.headers['if-none-match'], tag)) {
      response.writeHead(304).end()
      return
    }
    if (coding !== undefined) {
      const body = await compressed.get(coding, `${found.path} ${version}`, () => found.file.readFile())
      send(response, body, { 'Content-Type': found.type, 'Content-Encoding': coding })
      return
    }
    response.writeHead(200, { 'Content-Type': found.type, 'Content-Length': size })
    if (request.method === 'HEAD' || size === 0) response.end()
    // `end` keeps to the length that was announced, should the file grow meanwhile.
    else await pipeline(found.file.createReadStream({ autoClose: false, end: size - 1 }), response)
  } finally {
    await found.file.close()
  }
}

/**
 * The names in a request's path, decoded once; undefined when it is malformed. Nothing is resolved or normalised, so
 * there is no '..' to get right: a name that starts with a dot is simply never found.
 * @param {string} pathname
 */
function parsePath(pathname) {
  if (!pathname.startsWith('/')) return undefined
  let decoded
  try {
    decoded = decodeURIComponent(pathname)
  } catch {
    return undefined
  }
  if (/[\0\\]/.test(decoded)) return undefined
  const segments = decoded.slice(1).split('/')
  if (segments.at(-1) === '') segments[segments.length - 1] = 'index.html'
  return segments
}

/**
 * @param {string} root
 * @param {Compressed} compressed
 * @param {http.ServerResponse} response
 */
async function sendServiceWorker(root, compressed, response) {
  const body = Buffer.from(await serviceWorker(root, await siteFiles(root)))
  response.setHeader('Cache-Control', 'no-cache')
  response.setHeader('Vary', 'Accept-Encoding')
  const coding = codingFor(response.req.headers['accept-encoding'], TYPES['.js'], body.length)
  if (coding === undefined) return send(response, body, { 'Content-Type': TYPES['.js'] })
  const key = createHash('sha256').update(body).digest('hex')
  send(response, await compressed.get(coding, key, async () => body), { 'Content-Type': TYPES['.js'], 'Content-Encoding': coding })
}

/**
 * @param {http.ServerResponse} response
 * @param {Buffer} body left out of the answer to HEAD
 * @param {http.OutgoingHttpHeaders} headers
 */
function send(response, body, headers) {
  response.writeHead(200, { ...headers, 'Content-Length': body.length })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/**
 * @param {string} root
 * @param {string[]} segments
 */
async function openFile(root, segments) {
  const target = await locate(root, segments)
  if (target === undefined) return undefined
  return { file: await open(target), path: target, type: TYPES[path.extname(target)] }
}

/**
 * @param {string | undefined} header If-None-Match: a list of tags, perhaps weak, or '*'
 * @param {string} tag
 */
function matches(header, tag) {
  if (header === undefined) return false
  const tags = header.split(',').map((each) => each.trim().replace(/^W\//, ''))
  return tags.includes(tag) || tags.includes('*')
}

/**
 * @param {http.ServerResponse} response
 * @param {number} status
 * @param {string} message
 */
function refuse(response, status, message) {
  const body = `${status}: ${message}\n`
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** @param {string} message */
function usageError(message) {
  console.error(`serve: ${message}\nusage: node tools/serve.js [--port 8080] [--host 127.0.0.1]`)
  process.exit(2)
}

async function main() {
  let values
  try {
    const port = /** @type {const} */ ({ type: 'string', default: '8080' })
    const host = /** @type {const} */ ({ type: 'string', default: '127.0.0.1' })
    values = parseArgs({ options: { port, host } }).values
  } catch (error) {
    return usageError(error instanceof Error ? error.message : String(error))
  }
  const { port, host } = values
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) return usageError(`--port is 0 to 65535, not '${port}'`)

  try {
    await makeBundles(REPOSITORY)
  } catch (error) {
    console.error(`serve: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
  const server = createServer()
  server.on('error', (error) => {
    const reasons = /** @type {Record<string, string>} */ ({
      EADDRINUSE: `port ${port} of ${host} is in use; choose another with --port, or 0 for any free one`,
      EACCES: `no right to listen on port ${port} of ${host}; choose one above 1023 with --port`,
      EADDRNOTAVAIL: `this machine has no address ${host}; choose another with --host`,
      ENOTFOUND: `there is no host by the name ${host}; choose another with --host`
    })
    console.error(`serve: ${reasons[codeOf(error)] ?? error.message}`)
    process.exit(1)
  })
  server.listen(Number(port), host, () => {
    const address = server.address()
    const actual = typeof address === 'object' && address !== null ? address.port : port
    console.log(`http://${host.includes(':') ? `[${host}]` : host}:${actual}/`)
  })
}

// Links (npm's among them) are followed, so that the test holds however the file was reached.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main()
