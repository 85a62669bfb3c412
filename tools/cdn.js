#!/usr/bin/env node
/**
 * Writes the entries for browsers as one file each, so that a page that takes the library from a CDN waits for one file and not
 * for forty: `node tools/cdn.js [FOLDER]`, by default wasm/cdn. `npm pack` and `npm publish` run it.
 *
 * The files find the modules and the shipped models where the others do, in `../dist/` and `../../models/`.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { realpathSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { version } from '../wasm/common/version.js'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** A worker's script is started by its name, so each is an entry of its own. @type {Record<string, string>} */
const ENTRIES = {
  index: 'wasm/index.js',
  worker: 'wasm/worker.js',
  element: 'wasm/element.js',
  'worker-host': 'wasm/worker-host.js',
  thread: 'wasm/hosts/thread.js'
}

/**
 * @param {string} folder made if it is missing
 * @returns {Promise<string[]>} the names of the files
 */
export async function buildCdn(folder) {
  await mkdir(path.dirname(folder), { recursive: true })
  const temporary = await mkdtemp(`${folder}-`)
  try {
    await build({
      absWorkingDir: REPOSITORY, entryPoints: ENTRIES, outdir: temporary, bundle: true, format: 'esm', minify: true, target: 'es2022',
      banner: { js: `/* linformer-wasm ${version}, MIT licence */` }, legalComments: 'none', logLevel: 'warning'
    })
    await mkdir(folder, { recursive: true })
    const names = (await readdir(temporary)).sort()
    // One after another, whole: another build may be under way, or somebody may be packing.
    for (const name of names) await rename(path.join(temporary, name), path.join(folder, name))
    return names
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

// Links (npm's among them) are followed, so that the test holds however the file was reached.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const folder = path.resolve(process.argv[2] ?? path.join(REPOSITORY, 'wasm/cdn'))
  // Standard output is npm's, when it packs.
  for (const name of await buildCdn(folder)) console.error(`${name}: ${gzipSync(await readFile(path.join(folder, name))).length} bytes in gzip`)
}
