#!/usr/bin/env node
/**
 * Writes the demo as a folder that any static host can serve, from the root of a host or from a path below it:
 * `node tools/build-site.js [FOLDER]`, by default build/site.
 */
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { realpathSync } from 'node:fs'
import { REPOSITORY, SERVICE_WORKER, serviceWorker, siteFiles } from './site.js'

/** What a host should send with every file, in the format of a `_headers` file that several hosts read. */
const HEADERS = `/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
`

/** What is written smaller than it is in the repository: comments and names are for readers of the source. @type {Record<string, 'js' | 'css'>} */
const SMALLER = { '.js': 'js', '.css': 'css' }

/**
 * Every file stays a file of its own, under its address. The reader of documents is small already.
 *
 * @param {string} address
 * @param {string} file
 * @param {typeof import('esbuild')} esbuild
 * @returns {Promise<string | undefined>} undefined if it is copied as it is
 */
async function smaller(address, file, { transform }) {
  const loader = SMALLER[path.extname(address)]
  if (loader === undefined || address.startsWith('reader/')) return undefined
  const { code } = await transform(await readFile(file, 'utf8'), { loader, minify: true, target: 'es2022', sourcefile: address })
  return code
}

/**
 * @param {string} folder made anew
 * @param {string} [root] of the repository
 * @returns {Promise<{ files: number, bytes: number }>}
 */
export async function buildSite(folder, root = REPOSITORY) {
  const files = await siteFiles(root)
  if (!files.has('reader/document-worker.js')) throw new Error('what reads documents is not installed: run npm ci --ignore-scripts')
  const esbuild = await import('esbuild')
  await rm(folder, { recursive: true, force: true })
  let bytes = 0
  for (const [address, file] of files) {
    const target = path.join(folder, address)
    await mkdir(path.dirname(target), { recursive: true })
    const code = await smaller(address, file, esbuild)
    if (code === undefined) await copyFile(file, target)
    else await writeFile(target, code)
    bytes += (await stat(target)).size
  }
  await writeFile(path.join(folder, SERVICE_WORKER), await serviceWorker(root, files))
  await writeFile(path.join(folder, '_headers'), HEADERS)
  return { files: files.size + 2, bytes }
}

// Links (npm's among them) are followed, so that the test holds however the file was reached.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const folder = path.resolve(process.argv[2] ?? path.join(REPOSITORY, 'build/site'))
  try {
    const { files, bytes } = await buildSite(folder)
    console.log(`${folder}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB`)
  } catch (error) {
    console.error(`build-site: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
}
