/**
 * The service worker: the page starts and works without a connection, and every file of it is of one version.
 *
 * The server heads this file with SITE: the version, the files to keep from the first visit on, and those to keep once
 * they have been wanted. A new version is fetched whole beside the old one and takes over when the page says so, or when
 * no page is open any more.
 */
/* global SITE */
const PREFIX = 'linformer-wasm '
/** How long the cache may take before the server is asked. */
const PATIENCE_MS = 3000
const CACHE = PREFIX + SITE.version
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis))
const scope = worker.registration.scope
const kept = new Set([...SITE.first, ...SITE.later].map((file) => new URL(file, scope).href))
const home = new URL('index.html', scope).href

worker.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => Promise.all(SITE.first.map(async (file) => {
    const address = new URL(file, scope).href
    // Past the browser's own cache, which may hold files of the version before.
    const response = await fetch(address, { cache: 'no-cache' })
    if (!isWhole(response)) throw new Error(`${address} could not be kept: status ${response.status}`)
    await cache.put(address, response)
  }))))
})

worker.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name)
    }
    await worker.clients.claim()
  })())
})

worker.addEventListener('message', ({ data }) => {
  if (data === 'take over') void worker.skipWaiting()
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const address = request.mode === 'navigate' && isHome(request.url) ? home : request.url.replace(/[?#].*$/, '')
  if (request.method === 'GET' && kept.has(address)) event.respondWith(answer(address, event))
})

/** The page itself, whichever model and sample its address names. @param {string} url */
function isHome(url) {
  const { origin, pathname } = new URL(url)
  return [scope, home].includes(origin + pathname)
}

/**
 * @param {string} address
 * @param {FetchEvent} event
 * @returns {Promise<Response>}
 */
async function answer(address, event) {
  const found = await inTime(caches.open(CACHE).then((cache) => cache.match(address)))
  if (found !== undefined) return found
  const response = await fetch(event.request)
  if (isWhole(response)) {
    // Nobody waits for the copy: a body that is read twice would have to be kept whole until both have read it.
    const copy = response.clone()
    event.waitUntil(caches.open(CACHE).then((cache) => cache.put(address, copy)))
  }
  return response
}

/**
 * What the cache says, or undefined if it says nothing for long: Firefox's does not always answer, and the server may.
 *
 * @template T
 * @param {Promise<T | undefined>} lookup
 * @returns {Promise<T | undefined>}
 */
function inTime(lookup) {
  return Promise.race([lookup, new Promise((/** @type {(value: undefined) => void} */ resolve) => {
    setTimeout(() => resolve(undefined), PATIENCE_MS)
  })])
}

/** The file itself, not an error, a part, or the web page that some networks put in place of everything. @param {Response} response */
function isWhole(response) {
  const isPage = /^text\/html/.test(response.headers.get('Content-Type') ?? '')
  return response.status === 200 && (!isPage || /\.html$/.test(new URL(response.url).pathname))
}
