#!/usr/bin/env node
/**
 * Writes modules as a JavaScript file: `node tools/inline-modules.js OUT.js MODULE.wasm...`, for bundlers and pages that
 * cannot carry a .wasm file beside the library.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const [out, ...files] = process.argv.slice(2)
const lines = files.map((file) => {
  const backend = basename(file).replace(/^linformer-([\w-]+)\.wasm$/, '$1')
  return `  '${backend}': () => decode('${readFileSync(file).toString('base64')}')`
})
writeFileSync(out, `// The modules of this folder as base64, written by tools/inline-modules.js. They are not fetched as data: URLs, which a
// page's policy would have to allow.
const decode = (/** @type {string} */ base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
export const modules = {
${lines.join(',\n')}
}
`)
