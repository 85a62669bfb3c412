/**
 * The service worker: the page starts and works without a connection, and every file of it is of one version.
 *
 * The server heads this file with SITE: the version, the files to keep from the first visit on, and those to keep once
 * they have been wanted. A new version is fetched whole beside the old one and takes over when the page says so, or when
 * no page is open any more.
 */
/* global SITE */
const PREFIX = 'linformer-wasm '
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
  if (request.method === 'GET' && kept.has(address)) event.respondWith(answer(address, request))
})

/** The page itself, whichever model and sample its address names. @param {string} url */
function isHome(url) {
  const { origin, pathname } = new URL(url)
  return [scope, home].includes(origin + pathname)
}

/**
 * @param {string} address
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function answer(address, request) {
  const cache = await caches.open(CACHE)
  const found = await cache.match(address)
  if (found !== undefined) return found
  const response = await fetch(request)
  if (isWhole(response)) await cache.put(address, response.clone())
  return response
}

/** The file itself, not an error, a part, or the web page that some networks put in place of everything. @param {Response} response */
function isWhole(response) {
  const isPage = /^text\/html/.test(response.headers.get('Content-Type') ?? '')
  return response.status === 200 && (!isPage || /\.html$/.test(new URL(response.url).pathname))
}
