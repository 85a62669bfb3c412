/**
 * What the demo site is made of: one map from addresses to files of the repository, for the server and for the build.
 *
 * `web/` is the site's root; the library, the models, the random weights and what writes CSV lie in folders below it. So a page
 * writes `./wasm/index.js` wherever it is served from, and the service worker at the root sees every request. The code comes in the
 * bundles of tools/bundles.js.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUNDLES, makeBundles, refreshBundles } from './bundles.js'

export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** A file whose extension is not listed is no part of the site. @type {Record<string, string>} */
export const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
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

/** Folders of the site that are not in web/, and what of them may be asked for. @type {Record<string, RegExp>} */
const FOLDERS = { wasm: /^(?!cdn\/)/, models: /\.(safetensors|md|json)$/, bin: /^(random-weights|csv)\.js$/ }

/** Of the sources, what is part of the site as it is: the bundles have the code. */
const AS_IT_IS = /^(?!bin\/|wasm\/(?!dist\/.*\.wasm$))(?!.*\.(js|css)$)/

/** What is fetched when it is wanted, and kept then: models and the reader of documents. All else is kept from the first visit on. */
const LATER = /^(models|data|reader)\//
/** What only a debugger asks for. */
const NEVER = /\.map$/
/** The models that answer when the page opens: the shared trunk and the heads on it. */
const DEFAULT_MODELS = ['general', 'contracts', 'subjects'].map((name) => `models/${name}.safetensors`)

/** The name under which the service worker is served; it is written anew for each version of the site. */
export const SERVICE_WORKER = 'sw.js'

/**
 * @param {string} folder
 * @param {string[]} segments
 * @returns {Promise<string | undefined>} the real path, if there is such a file in the folder
 */
async function inside(folder, segments) {
  try {
    const base = await realpath(folder)
    const target = await realpath(path.join(folder, ...segments))
    if (!target.startsWith(base + path.sep)) return undefined // a link that leads out of the folder
    return (await stat(target)).isFile() ? target : undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EACCES', 'ELOOP'].includes(code)) throw error
    return undefined
  }
}

/**
 * The file that an address means: a bundle, or else a file of the sources, so that a module can be had by itself.
 *
 * @param {string} root of the repository
 * @param {string[]} segments of the address, decoded
 * @returns {Promise<string | undefined>} its real path, if there is one
 */
export async function locate(root, segments) {
  const name = segments.at(-1) ?? ''
  if (TYPES[path.extname(name)] === undefined) return undefined
  if (segments.some((segment) => segment === '' || segment.startsWith('.'))) return undefined
  // An edited file shows when the page is loaded again.
  await (name === 'index.html' ? refreshBundles(root) : makeBundles(root))
  const bundle = await inside(path.join(root, BUNDLES), segments)
  if (bundle !== undefined) return bundle
  const [first, ...rest] = segments
  if (!Object.hasOwn(FOLDERS, first)) return inside(path.join(root, 'web'), segments)
  return FOLDERS[first].test(rest.join('/')) ? inside(path.join(root, first), rest) : undefined
}

/**
 * Every file of the site but the service worker.
 *
 * @param {string} root of the repository
 * @returns {Promise<Map<string, string>>} from addresses, relative to the site, to real paths; in alphabetical order
 */
export async function siteFiles(root) {
  await refreshBundles(root)
  /** @type {Map<string, string>} */
  const found = new Map()
  for (const [prefix, folder] of [['', BUNDLES], ['', 'web'], ...Object.keys(FOLDERS).map((name) => [name, name])]) {
    for (const name of await readdir(path.join(root, folder), { recursive: true })) {
      const segments = [...(prefix === '' ? [] : [prefix]), ...name.split(path.sep)]
      const address = segments.join('/')
      if (found.has(address) || (folder !== BUNDLES && !AS_IT_IS.test(address))) continue
      const file = await locate(root, segments)
      if (file !== undefined) found.set(address, file)
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
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
  const addresses = [...files.keys()].filter((address) => !NEVER.test(address))
  const site = {
    version: hash.digest('hex').slice(0, 16),
    first: addresses.filter((address) => !LATER.test(address) || DEFAULT_MODELS.includes(address)),
    later: addresses.filter((address) => LATER.test(address) && !DEFAULT_MODELS.includes(address))
  }
  return `const SITE = ${JSON.stringify(site, null, 2)}\n\n${code}`
}
