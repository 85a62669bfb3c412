#!/usr/bin/env node
/**
 * Writes the demo as a folder that any static host can serve, from the root of a host or from a path below it:
 * `node tools/build-site.js [FOLDER]`, by default build/site.
 */
import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises'
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

/**
 * @param {string} folder made anew
 * @param {string} [root] of the repository
 * @returns {Promise<{ files: number, bytes: number }>}
 */
export async function buildSite(folder, root = REPOSITORY) {
  const files = await siteFiles(root)
  await rm(folder, { recursive: true, force: true })
  let bytes = 0
  for (const [address, file] of files) {
    const target = path.join(folder, address)
    await mkdir(path.dirname(target), { recursive: true })
    await copyFile(file, target)
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
