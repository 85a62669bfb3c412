#!/usr/bin/env node
/**
 * Puts the extension together, with what it needs of linformer-wasm: `node build.js [FOLDER]`, by default dist.
 * Load that folder in chrome://extensions as an unpacked extension.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const OWN = ['manifest.json', 'background.js', 'result.html', 'result.css', 'result.js', 'labels.js']
const LIBRARY = [
  'LICENSE', 'wasm/cdn/worker.js', 'wasm/cdn/worker-host.js', 'wasm/dist/linformer-simd128.wasm', 'wasm/dist/linformer-relaxed.wasm',
  'models/general.safetensors'
]
/** Heads on that trunk, if this version of the package has them, and their questions. */
const HEADS = { subjects: 'what it is about', contracts: 'which clauses it has' }

const here = path.dirname(fileURLToPath(import.meta.url))
const target = path.resolve(process.argv[2] ?? path.join(here, 'dist'))
const library = path.dirname(createRequire(path.join(here, 'x.js')).resolve('linformer-wasm/package.json'))
const fileOf = (name) => path.join(library, `models/${name}.safetensors`)
const heads = Object.keys(HEADS).filter((name) => existsSync(fileOf(name)))

await rm(target, { recursive: true, force: true })
for (const file of OWN) await cp(path.join(here, file), path.join(target, file))
for (const file of [...LIBRARY, ...heads.map((name) => `models/${name}.safetensors`)]) {
  await mkdir(path.dirname(path.join(target, 'linformer-wasm', file)), { recursive: true })
  await cp(path.join(library, file), path.join(target, 'linformer-wasm', file))
}
await writeFile(path.join(target, 'heads.json'), `${JSON.stringify(heads.map((name) => ({ name, title: HEADS[name] })))}\n`)
const { version } = JSON.parse(await readFile(path.join(library, 'package.json'), 'utf8'))
console.log(`${target}: with linformer-wasm ${version}, and ${heads.join(' and ') || 'labels of your own alone'}`)
