/**
 * The cache of Node.js: a folder with a file for each URL, `<SHA-256 of the URL>-<SHA-256 of the file>.safetensors`.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

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
