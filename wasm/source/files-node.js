/**
 * Files in Node.js: model files by path, and the cache, a folder with a file for each URL,
 * `<SHA-256 of the URL>-<SHA-256 of the file>.safetensors`.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LinformerError, throwIfAborted } from '../common/errors.js'
import { fetchBytes } from './fetch.js'

/** Bytes that are read at once. */
const CHUNK = 2 ** 20

/**
 * @param {string | URL} place
 * @param {{ signal?: AbortSignal, onProgress?: (event: import('../index.js').ProgressEvent) => void }} options
 * @returns {Promise<Uint8Array>}
 */
export async function readPlace(place, options) {
  if (/^https?:/i.test(String(place))) return fetchBytes(place, options)
  const name = String(place)
  const fail = (/** @type {unknown} */ error) => {
    const reason = error instanceof Error ? error.message : String(error)
    const code = /** @type {NodeJS.ErrnoException} */ (error).code
    return new LinformerError('SOURCE_FAILED', `${name} could not be read: ${reason}`, { source: name, errno: code }, { cause: error })
  }
  let file
  try {
    file = await open(/^file:/i.test(name) ? fileURLToPath(place) : name)
  } catch (error) {
    throw fail(error)
  }
  try {
    const { size: total } = await file.stat()
    const bytes = new Uint8Array(total)
    for (let done = 0; done < total;) {
      throwIfAborted(options.signal)
      const { bytesRead } = await file.read(bytes, done, Math.min(CHUNK, total - done), done)
      if (bytesRead === 0) return bytes.subarray(0, done)
      done += bytesRead
      options.onProgress?.({ phase: 'download', done, total })
    }
    return bytes
  } catch (error) {
    throw error instanceof LinformerError ? error : fail(error)
  } finally {
    await file.close()
  }
}

const EXTENSION = '.safetensors'

/** $XDG_CACHE_HOME, which has to be absolute to count, or ~/.cache. */
function defaultFolder() {
  const base = process.env.XDG_CACHE_HOME ?? ''
  return join(isAbsolute(base) ? base : join(homedir(), '.cache'), 'linformer-wasm')
}

/**
 * @param {string | undefined} folder
 * @returns {Promise<import('./cache.js').Store>}
 */
export async function openCache(folder = defaultFolder()) {
  const keyOf = (/** @type {string} */ url) => createHash('sha256').update(url).digest('hex')
  const filesOf = async (/** @type {string} */ url) => {
    const names = await readdir(folder).catch(() => /** @type {string[]} */ ([]))
    return names.filter((name) => name.startsWith(`${keyOf(url)}-`) && name.endsWith(EXTENSION))
  }
  return {
    async get(url) {
      const [name] = await filesOf(url)
      if (name === undefined) return undefined
      const hex = name.slice(65, -EXTENSION.length)
      // Another process may have replaced it just now.
      const bytes = await readFile(join(folder, name)).catch(() => undefined)
      return bytes && { bytes, digest: `sha256-${Buffer.from(hex, 'hex').toString('base64')}` }
    },
    async put(url, bytes, digest) {
      await mkdir(folder, { recursive: true })
      const name = `${keyOf(url)}-${Buffer.from(digest.slice(7), 'base64').toString('hex')}${EXTENSION}`
      const temporary = join(folder, `${randomUUID()}.tmp`)
      try {
        const file = await open(temporary, 'wx')
        try {
          await file.writeFile(bytes)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(temporary, join(folder, name))
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
      for (const old of await filesOf(url)) if (old !== name) await rm(join(folder, old), { force: true })
    },
    async remove(url) {
      for (const name of await filesOf(url)) await rm(join(folder, name), { force: true })
    }
  }
}
