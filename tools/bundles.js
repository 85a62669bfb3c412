/**
 * The programs of the site as browsers are quick to fetch them: the page, its style sheets and each worker in a few files in place of
 * a hundred, minified, with source maps.
 *
 * A bundle has the address of the file that it is made from, so that the sources name each other by the same addresses, bundled or not.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Where they are written, in the repository: laid out as the site is. */
export const BUNDLES = 'build/bundles'

/**
 * What is started by its address, and the file that each is made from. Those in one folder share code; what is relative to the address
 * of a module needs a folder that is known.
 *
 * @type {Record<string, Record<string, string>>}
 */
const PROGRAMS = {
  '.': { 'site.css': 'web/site.css' },
  page: { 'arrival.js': 'web/page/arrival.js', 'ahead.js': 'web/page/ahead.js', 'main.js': 'web/page/main.js' },
  reader: { 'document-worker.js': 'web/workers/documents.js' },
  wasm: { 'worker-host.js': 'wasm/worker-host.js' },
  'wasm/hosts': { 'thread.js': 'wasm/hosts/thread.js' },
  workers: { 'complexity.js': 'web/workers/complexity.js', 'low-rank.js': 'web/workers/low-rank.js' }
}
const PAGE = 'web/index.html'
/**
 * What the reader of documents needs beside it. pdf.js is small already, and making it smaller would take most of the time.
 *
 * @type {Record<string, string>}
 */
const COPIES = { 'reader/cmaps.zip': 'documents/cmaps.zip', 'reader/pdfjs.js': 'node_modules/unpdf/dist/pdfjs.mjs' }

/**
 * @param {string} root of the repository
 * @param {string} folder of the site, for the bundles
 * @returns {import('esbuild').Plugin} resolves addresses of the site, and what is relative to the address of a module that is bundled
 */
const siteAddresses = (root, folder) => ({
  name: 'site-addresses',
  setup(build) {
    const web = path.join(root, 'web') + path.sep
    // The library and what the page takes from bin/ lie below the site's root, and beside web/ in the repository.
    build.onResolve({ filter: /^\.\.\/(wasm|bin)\// }, ({ path: name, resolveDir }) => {
      const file = path.join(resolveDir, name)
      return file.startsWith(web) ? { path: path.join(root, file.slice(web.length)) } : undefined
    })
    build.onResolve({ filter: /^unpdf\/pdfjs$/ }, () => ({ path: './pdfjs.js', external: true }))
    build.onResolve({ filter: /\.woff2$/ }, ({ path: name }) => ({ path: name, external: true }))
    build.onLoad({ filter: /[\\/](web|wasm)[\\/].*\.js$/ }, async ({ path: file }) => {
      const source = await readFile(file, 'utf8')
      const address = path.relative(file.startsWith(web) ? web : root, file).split(path.sep).join('/')
      const from = path.posix.relative(folder, address)
      return { contents: source.replaceAll('import.meta.url', `new URL(${JSON.stringify(from)}, import.meta.url).href`) }
    })
  }
})

/**
 * Makes the bundles of a folder.
 *
 * @param {typeof import('esbuild')} esbuild
 * @param {string} root
 * @param {string} folder
 */
function bundle(esbuild, root, folder) {
  const entryPoints = Object.entries(PROGRAMS[folder]).map(([name, source]) => ({ in: source, out: path.parse(name).name }))
  return esbuild.build({
    absWorkingDir: root, entryPoints, outdir: path.join(BUNDLES, folder), write: false, bundle: true, splitting: true, format: 'esm', minify: true,
    sourcemap: true, metafile: true, target: 'es2022', platform: 'browser', chunkNames: '[name]-[hash]', logLevel: 'silent', legalComments: 'eof',
    plugins: [siteAddresses(root, folder)]
  })
}

/**
 * The page, with links to what its first programs import, which browsers would otherwise ask for only once those are there.
 *
 * @param {string} html
 * @param {import('esbuild').Metafile} metafile of its programs
 */
function withPreloads(html, { outputs }) {
  const programs = [...html.matchAll(/<script type="module" src="([^"]+)"/g)].map(([, address]) => address)
  const imports = programs.flatMap((address) => outputs[`${BUNDLES}/${address}`].imports.filter(({ kind }) => kind === 'import-statement'))
  const addresses = new Set(imports.map(({ path: file }) => path.posix.relative(BUNDLES, file)))
  const links = [...addresses].map((address) => `<link rel="modulepreload" href="${address}">\n  `)
  return html.replace('<script type="module"', `${links.join('')}$&`)
}

/**
 * Puts a file in its place, whole: another process may be serving it, or making the same.
 *
 * @param {string} file
 * @param {Uint8Array} contents
 */
async function put(file, contents) {
  const before = await readFile(file).catch(() => undefined)
  if (before?.equals(contents)) return
  await mkdir(path.dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, contents)
  await rename(temporary, file)
}

/**
 * @param {string} root
 * @returns {Promise<{ inputs: Set<string>, started: number }>} what they are made from, and since when (milliseconds)
 */
async function make(root) {
  const started = Date.now()
  const esbuild = await import('esbuild').catch(() => { throw new Error('esbuild is not installed: run npm ci --ignore-scripts') })
  const folder = path.join(root, BUNDLES)
  /** @type {Map<string, Uint8Array>} */
  const files = new Map()
  /** @type {Set<string>} */
  const inputs = new Set(Object.values(COPIES).map((source) => path.join(root, source)))
  await Promise.all(Object.keys(PROGRAMS).map(async (part) => {
    const { outputFiles, metafile } = await bundle(esbuild, root, part)
    for (const { path: file, contents } of outputFiles) files.set(file, contents)
    for (const file of Object.keys(metafile.inputs)) inputs.add(path.join(root, file))
    if (part === 'page') {
      const html = withPreloads(await readFile(path.join(root, PAGE), 'utf8'), metafile)
      files.set(path.join(folder, 'index.html'), Buffer.from(html))
      inputs.add(path.join(root, PAGE))
    }
  }))
  for (const [address, source] of Object.entries(COPIES)) files.set(path.join(folder, address), await readFile(path.join(root, source)))
  for (const [file, contents] of files) await put(file, contents)
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of found) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile() && !files.has(file) && !/\.\d+$/.test(file)) await rm(file, { force: true })
  }
  return { inputs, started }
}

/** @type {Map<string, ReturnType<typeof make>>} */
const made = new Map()

/** @param {string} root */
function begin(root) {
  const making = make(root)
  made.set(root, making)
  making.catch(() => { made.delete(root) }) // the next one who asks has it tried again
  return making
}

/**
 * Makes them, once a process.
 *
 * @param {string} root of the repository
 * @throws {Error} where esbuild is missing, or a source has an error
 */
export const makeBundles = (root) => made.get(root) ?? begin(root)

/**
 * Makes them anew if what they are made from has changed since.
 *
 * @param {string} root
 */
export async function refreshBundles(root) {
  const making = makeBundles(root)
  const { inputs, started } = await making
  const changedAt = async (/** @type {string} */ file) => (await stat(file).catch(() => undefined))?.mtimeMs ?? Infinity
  const newest = Math.max(...await Promise.all([...inputs].map(changedAt)))
  if (newest > started && made.get(root) === making) begin(root)
  await makeBundles(root)
}
