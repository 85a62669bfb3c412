/**
 * Model files that are kept between visits, if the caller asks for it. What comes out of the cache is checked against
 * the digest that went in with it, so a damaged copy is fetched again instead of used.
 *
 * @typedef {object} Store where the files of one cache are
 * @property {(url: string) => Promise<{ bytes: Uint8Array, digest: string } | undefined>} get
 * @property {(url: string, bytes: Uint8Array, digest: string) => Promise<void>} put
 * @property {(url: string) => Promise<void>} remove
 */
import { abortable, LinformerError } from '../common/errors.js'
import { digestOf } from './integrity.js'

const HEADER = 'linformer-digest'

/**
 * The Cache API, which pages, workers and service workers have.
 *
 * @param {string | undefined} name of the cache
 * @returns {Promise<Store>}
 */
export async function openCache(name = 'linformer-wasm') {
  if (typeof caches === 'undefined') {
    throw new LinformerError('UNSUPPORTED', 'cache needs the Cache API, which pages have over HTTPS and on localhost')
  }
  const cache = await caches.open(name)
  return {
    async get(url) {
      const response = await cache.match(url)
      const digest = response?.headers.get(HEADER)
      return response && digest ? { bytes: new Uint8Array(await response.arrayBuffer()), digest } : undefined
    },
    // The entry appears when it is complete, or not at all.
    put: (url, bytes, digest) => cache.put(url, new Response(/** @type {Uint8Array<ArrayBuffer>} */ (bytes), {
      headers: { [HEADER]: digest, 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) }
    })),
    remove: async (url) => { await cache.delete(url) }
  }
}

/**
 * @param {unknown} source
 * @returns {string | undefined} the URL that its copy is kept under; only what comes over the network is kept
 */
export function cacheKey(source) {
  if (typeof source !== 'string' && !(source instanceof URL)) return undefined
  try {
    const url = new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href)
    url.hash = ''
    return /^https?:$/.test(url.protocol) ? url.href : undefined
  } catch {
    return undefined // a path
  }
}

/**
 * The file's copy, if it is whole and the one that the caller means.
 *
 * @param {Store} store
 * @param {string} url
 * @param {{ integrity?: string, signal?: AbortSignal }} options
 * @returns {Promise<Uint8Array | undefined>}
 */
export async function fromCache(store, url, { integrity, signal }) {
  const entry = await abortable(signal, () => store.get(url))
  if (entry === undefined) return undefined
  const digest = await digestOf(entry.bytes, signal)
  if (digest === entry.digest && (integrity === undefined || integrity === digest)) return entry.bytes
  await store.remove(url)
  return undefined
}

/**
 * Keeps a copy. A cache that is full or may not be written to leaves the model usable, and the next visit without one.
 *
 * @param {Store} store
 * @param {string} url
 * @param {Uint8Array} bytes
 * @param {AbortSignal | undefined} signal
 */
export async function intoCache(store, url, bytes, signal) {
  const digest = await digestOf(bytes, signal)
  await abortable(signal, () => store.put(url, bytes, digest).catch(() => {}))
}
