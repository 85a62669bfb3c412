/**
 * One variant in a page of its own; hosts.js calls `answer`.
 */
import { load } from '../wasm/index.js'
import { servant } from './engines.js'

/** @type {any} */ (globalThis).answer = servant({
  load,
  read: async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer()),
  ort: () => import(/** @type {string} */ ('/bench/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs')),
  litert: () => import(/** @type {string} */ ('/bench/node_modules/@litertjs/core/dist/index.js'))
})
