/**
 * What the page reads documents with: documents/ and its libraries, made into files that a worker can import.
 */
import { copyFile, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** @type {Map<string, Promise<void>>} */
const made = new Map()

/** Where it is written, in the repository. */
export const READER = 'build/reader'
const ENTRY = 'document-worker.js'

/**
 * Makes them once a process. Without esbuild, before `npm ci`, or without a reader in the folder there are none, and the
 * page reads what is pasted.
 *
 * @param {string} root of the repository
 */
export function makeReader(root) {
  const known = made.get(root) ?? make(root)
  made.set(root, known)
  return known
}

/** When the newest of the sources was changed; Infinity if there are none. @param {string} root */
async function newestSource(root) {
  const folders = await Promise.all(['documents', 'wasm/common'].map(async (folder) => (await readdir(path.join(root, folder))).map((name) => `${folder}/${name}`)))
  const times = ['package-lock.json', 'tools/reader.js', ...folders.flat()].map(async (name) => (await stat(path.join(root, name))).mtimeMs)
  return Math.max(...await Promise.all(times))
}

/** @param {string} root */
async function make(root) {
  const folder = path.join(root, READER)
  const done = path.join(folder, ENTRY)
  let esbuild
  try {
    const newest = await newestSource(root)
    if (await stat(done).then(({ mtimeMs }) => mtimeMs > newest, () => false)) return
    esbuild = await import('esbuild')
    await mkdir(folder, { recursive: true })
    await copyFile(path.join(root, 'documents/cmaps.zip'), path.join(folder, 'cmaps.zip'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ERR_MODULE_NOT_FOUND') return
    throw error
  }
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root, entryPoints: { [path.parse(ENTRY).name]: 'documents/worker.js' }, outdir: READER, write: false, bundle: true, splitting: true, format: 'esm',
    minify: true, target: 'es2022', platform: 'browser', chunkNames: '[name]-[hash]', logLevel: 'error', legalComments: 'eof'
  })
  // Another process may be serving these: what has not changed stays as it is.
  const names = new Set(['cmaps.zip', ...outputFiles.map((file) => path.basename(file.path))])
  for (const name of await readdir(folder)) if (!names.has(name)) await rm(path.join(folder, name), { force: true })
  for (const { path: file, contents } of outputFiles) {
    const before = await readFile(file).catch(() => undefined)
    if (before === undefined || !before.equals(contents)) await writeFile(file, contents)
  }
  await utimes(done, new Date(), new Date())
}
