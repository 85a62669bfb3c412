/**
 * What the page reads documents with: documents/ and its libraries, made into files that a worker can import.
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** @type {Map<string, Promise<void>>} */
const made = new Map()

/** Where it is written, in the repository. */
export const READER = 'build/reader'
/** The worker that they are made for, in web/; the page never fetches this file itself. */
export const READER_SOURCE = 'workers/documents.js'
/** What is taken as it is. pdf.js is small already, and making it smaller would take most of the time. */
const COPIES = { 'cmaps.zip': 'documents/cmaps.zip', 'pdfjs.js': 'node_modules/unpdf/dist/pdfjs.mjs' }

/** @type {import('esbuild').Plugin} */
const pdfjs = { name: 'pdfjs', setup: (build) => build.onResolve({ filter: /^unpdf\/pdfjs$/ }, () => ({ path: './pdfjs.js', external: true })) }

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

/** @param {string} root */
async function make(root) {
  const folder = path.join(root, READER)
  let esbuild
  try {
    esbuild = await import('esbuild')
    await mkdir(folder, { recursive: true })
    for (const [name, source] of Object.entries(COPIES)) await copyFile(path.join(root, source), path.join(folder, name))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ERR_MODULE_NOT_FOUND') return
    throw error
  }
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root, entryPoints: { 'document-worker': `web/${READER_SOURCE}` }, outdir: READER, write: false, bundle: true, splitting: true, format: 'esm',
    minify: true, target: 'es2022', platform: 'browser', chunkNames: '[name]-[hash]', logLevel: 'error', legalComments: 'eof', plugins: [pdfjs]
  })
  // Another process may be serving these: what has not changed stays as it is.
  const names = new Set([...Object.keys(COPIES), ...outputFiles.map((file) => path.basename(file.path))])
  for (const name of await readdir(folder)) if (!names.has(name)) await rm(path.join(folder, name), { force: true })
  for (const { path: file, contents } of outputFiles) {
    const before = await readFile(file).catch(() => undefined)
    if (before === undefined || !before.equals(contents)) await writeFile(file, contents)
  }
}
