/**
 * The first label in a fresh page: start.html?ENGINE
 */
import { firstLabel } from './first-label.js'

const packages = '/bench/node_modules'
const module = (/** @type {string} */ path) => import(path)

const label = await firstLabel(/** @type {any} */ (location.search.slice(1)), {
  linformer: () => module('/wasm/index.js'),
  ort: () => module(`${packages}/onnxruntime-web/dist/ort.wasm.min.mjs`),
  litert: () => module(`${packages}/@litertjs/core/dist/index.js`),
  tokenizers: () => module(`${packages}/@huggingface/tokenizers/dist/tokenizers.min.mjs`),
  read: async (path) => new Uint8Array(await (await fetch(`/${path}`)).arrayBuffer()),
  place: (path) => `/${path}`
})
// performance.now() counts from the start of the navigation.
Object.assign(globalThis, { first: { label, ms: performance.now() } })
