/**
 * Model files that are kept between visits, if the caller asks for it. What comes out of the cache is checked against
 * the digest that went in with it, so a damaged copy is fetched again instead of used.
 *
 * @typedef {object} Store where the files of one cache are
 * @property {(url: string) => Promise<{ bytes: Uint8Array, digest: string } | undefined>} get
 * @property {(url: string, bytes: Uint8Array, digest: string) => Promise<void>} put
 * @property {(url: string) => Promise<void>} remove
 */
import { abortable, throwIfAborted } from '../common/errors.js'
import { isA } from '../common/kinds.js'
import { digestOf } from './integrity.js'

const HEADER = 'linformer-digest'

/**
 * The Cache API, which pages, workers and service workers have.
 *
 * @param {string | undefined} name of the cache
 * @returns {Promise<Store>}
 */
export async function openCache(name = 'linformer-wasm') {
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
  if (typeof source !== 'string' && !isA(source, 'URL')) return undefined
  try {
    const url = new URL(String(source), globalThis.document?.baseURI ?? globalThis.location?.href)
    url.hash = ''
    return /^https?:$/.test(url.protocol) ? url.href : undefined
  } catch {
    return undefined // a path
  }
}

/**
 * Whatever goes wrong with a cache means that there is none: it is not to be had in this page, full, locked, damaged,
 * not to be written to. Only the caller's abort is an error.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
async function orNone(signal, work) {
  try {
    return await abortable(signal, work)
  } catch {
    throwIfAborted(signal)
    return undefined
  }
}

/**
 * The files of one cache by their URLs, as far as the host lets us have any.
 *
 * @param {string} url
 * @param {(name: string | undefined) => Promise<Store>} open
 * @param {string | undefined} name
 * @param {{ integrity?: string, signal?: AbortSignal }} options
 */
export async function cached(url, open, name, { integrity, signal }) {
  const store = await orNone(signal, async () => open(name))
  return {
    /** The file's copy, if it is whole and the one that the caller means. @returns {Promise<Uint8Array | undefined>} */
    get: () => orNone(signal, async () => {
      const entry = await store?.get(url)
      if (entry === undefined) return undefined
      const digest = await digestOf(entry.bytes, signal)
      if (digest === entry.digest && (integrity === undefined || integrity === digest)) return entry.bytes
      await store?.remove(url)
      return undefined
    }),
    /** Keeps a copy, if there is room for it. @param {Uint8Array} bytes */
    put: (bytes) => orNone(signal, async () => store?.put(url, bytes, await digestOf(bytes, signal)))
  }
}
