/**
 * What the demo site is made of: one map from addresses to files of the repository, for the server and for the build.
 *
 * `web/` is the site's root; the library, the models, the random weights, what writes CSV and the reader of documents lie in folders below it. So a page
 * writes `./wasm/index.js` wherever it is served from, and the service worker at the root sees every request.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeReader, READER, READER_SOURCE } from './reader.js'

export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** A file whose extension is not listed is no part of the site. @type {Record<string, string>} */
export const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.safetensors': 'application/octet-stream',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.woff2': 'font/woff2',
  '.zip': 'application/zip'
}

/** Folders of the site that are not in web/, and where they are in the repository. @type {Record<string, string>} */
const FOLDERS = { wasm: 'wasm', models: 'models', bin: 'bin', reader: READER }

/** Of these folders, the files that belong to the site. @type {Record<string, RegExp>} */
const CHOSEN = { wasm: /^(?!cdn\/)/, models: /\.(safetensors|md|json)$/, bin: /^(random-weights|csv)\.js$/, reader: /\.(js|zip)$/ }

/** What is fetched when it is wanted, and kept then: models and the reader of documents. All else is kept from the first visit on. */
const LATER = /^(models|data|reader)\//
/** The models that answer when the page opens: the shared trunk and the heads on it. */
const DEFAULT_MODELS = ['general', 'contracts', 'subjects'].map((name) => `models/${name}.safetensors`)

/** The name under which the service worker is served; it is written anew for each version of the site. */
export const SERVICE_WORKER = 'sw.js'

/**
 * The file that an address means.
 *
 * @param {string} root of the repository
 * @param {string[]} segments of the address, decoded
 * @returns {Promise<string | undefined>} its real path, if the site has it
 */
export async function locate(root, segments) {
  const name = segments.at(-1) ?? ''
  if (TYPES[path.extname(name)] === undefined) return undefined
  if (segments.some((segment) => segment === '' || segment.startsWith('.'))) return undefined
  const [first, ...rest] = segments
  const elsewhere = Object.hasOwn(FOLDERS, first)
  if (first === 'reader') await makeReader(root)
  if (elsewhere && !CHOSEN[first].test(rest.join('/'))) return undefined
  const folder = path.join(root, elsewhere ? FOLDERS[first] : 'web')
  try {
    const base = await realpath(folder)
    const target = await realpath(path.join(folder, ...(elsewhere ? rest : segments)))
    if (!target.startsWith(base + path.sep)) return undefined // a link that leads out of the folder
    return (await stat(target)).isFile() ? target : undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EACCES', 'ELOOP'].includes(code)) throw error
    return undefined
  }
}

/**
 * Every file of the site but the service worker.
 *
 * @param {string} root of the repository
 * @returns {Promise<Map<string, string>>} from addresses, relative to the site, to real paths; in alphabetical order
 */
export async function siteFiles(root) {
  await makeReader(root)
  const folders = [['', 'web'], ...Object.entries(FOLDERS)]
  /** @type {[string, string][]} */
  const found = []
  for (const [prefix, folder] of folders) {
    /** @type {string[]} */
    let names
    try {
      names = await readdir(path.join(root, folder), { recursive: true })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue // the reader before `npm ci`
      throw error
    }
    for (const name of names) {
      const segments = [...(prefix === '' ? [] : [prefix]), ...name.split(path.sep)]
      // The entries for other hosts, the modules as base64, and the types are for other readers of the library than a page.
      if (prefix === 'wasm' && /((^|-)node\.js$|inline|^workerd|\.d\.ts$|\.json$|\.txt$)/.test(name)) continue
      const address = segments.join('/')
      if (address === SERVICE_WORKER || address === READER_SOURCE) continue
      const file = await locate(root, segments)
      if (file !== undefined) found.push([address, file])
    }
  }
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * The service worker of these files: web/sw.js, headed by what it keeps. Any change of any file makes another version.
 *
 * @param {string} root of the repository
 * @param {Map<string, string>} files
 * @returns {Promise<string>}
 */
export async function serviceWorker(root, files) {
  const code = await readFile(path.join(root, 'web', SERVICE_WORKER), 'utf8')
  const hash = createHash('sha256').update(code)
  for (const [address, file] of files) hash.update(`\0${address}\0`).update(await readFile(file))
  const addresses = [...files.keys()]
  const site = {
    version: hash.digest('hex').slice(0, 16),
    first: addresses.filter((address) => !LATER.test(address) || DEFAULT_MODELS.includes(address)),
    later: addresses.filter((address) => LATER.test(address) && !DEFAULT_MODELS.includes(address))
  }
  return `const SITE = ${JSON.stringify(site, null, 2)}\n\n${code}`
}
