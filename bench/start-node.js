/**
 * The first label in a fresh process: node bench/start-node.js ENGINE
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { firstLabel } from './first-label.js'
import { peer } from './install.js'

const place = (/** @type {string} */ path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

const label = await firstLabel(/** @type {any} */ (process.argv[2]), {
  linformer: () => import('../wasm/node.js'),
  ort: () => peer('onnxruntime-web'),
  tokenizers: () => peer('@huggingface/tokenizers'),
  read: (path) => readFile(place(path)),
  place
})
// performance.now() counts from the start of the process.
process.stdout.write(JSON.stringify({ label, ms: performance.now() }), () => process.exit(0))
