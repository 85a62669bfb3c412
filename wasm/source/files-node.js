/**
 * Files in Node.js: model files by path, and the cache, a folder with a file for each URL,
 * `<SHA-256 of the URL>-<SHA-256 of the file>.safetensors`.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { abortable, LinformerError, nameOf } from '../common/errors.js'
import { checkLength, fetchBytes } from './fetch.js'

/** Bytes that are read at once. */
const CHUNK = 2 ** 20

/**
 * @param {string | URL} address
 * @param {import('./fetch.js').ReadOptions} options
 * @returns {Promise<Uint8Array>}
 */
export async function readAddress(address, options) {
  if (/^(https?|data|blob):/i.test(String(address))) return fetchBytes(address, options)
  const name = nameOf(address)
  const { signal } = options
  /** Of the file alone: what `onProgress` throws is the caller's. @type {(error: unknown) => never} */
  const failed = (error) => {
    const reason = error instanceof Error ? error.message : String(error)
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new LinformerError('SOURCE_FAILED', `${name} could not be read: ${reason}`, { source: name, errno: code }, { cause: error })
  }
  const opening = (async () => open(/^file:/i.test(name) ? fileURLToPath(address) : address))().catch(failed)
  opening.then((opened) => { if (signal?.aborted) void opened.close() }, () => {})
  const file = await abortable(signal, () => opening)
  try {
    return await readAll(file, name, options, failed)
  } finally {
    file.close().catch(() => {}) // not waited for: a pipe may have a read under way that nothing ends
  }
}

/**
 * A file to its end, wherever that is: pipes and devices do not know their size, and a file may grow or be cut meanwhile.
 *
 * @param {import('node:fs/promises').FileHandle} file
 * @param {string} name
 * @param {import('./fetch.js').ReadOptions} options
 * @param {(error: unknown) => never} failed
 */
async function readAll(file, name, options, failed) {
  const stat = await file.stat().catch(failed)
  const total = stat.isFile() && stat.size > 0 ? stat.size : undefined
  checkLength(total ?? 0, name, options)
  let bytes = new Uint8Array(total ?? CHUNK)
  let done = 0
  for (;;) {
    if (done === bytes.length) {
      if (done === total) return bytes
      const larger = new Uint8Array(2 * done)
      larger.set(bytes)
      bytes = larger
    }
    const { bytesRead } = await abortable(options.signal, () => file.read(bytes, done, Math.min(CHUNK, bytes.length - done), null).catch(failed))
    if (bytesRead === 0) return bytes.subarray(0, done)
    done += bytesRead
    checkLength(done, name, options)
    options.onProgress?.({ phase: 'download', done, total })
  }
}

const EXTENSION = '.safetensors'

/** $XDG_CACHE_HOME, which has to be absolute to count, or ~/.cache. */
function defaultFolder() {
  const base = process.env.XDG_CACHE_HOME ?? ''
  return join(isAbsolute(base) ? base : join(homedir(), '.cache'), 'linformer-wasm')
}

/**
 * With the folders it lies in. (The `recursive` of Node.js goes round for ever where a folder can have none, as in /proc.)
 *
 * @param {string} folder
 * @returns {Promise<void>}
 */
async function makeFolder(folder) {
  const failure = await mkdir(folder).catch((error) => error)
  if (failure === undefined || failure.code === 'EEXIST') return
  const parent = dirname(folder)
  if (failure.code !== 'ENOENT' || parent === folder) throw failure
  await makeFolder(parent)
  await mkdir(folder)
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
      await makeFolder(folder)
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
