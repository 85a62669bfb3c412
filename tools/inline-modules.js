#!/usr/bin/env node
/**
 * Writes modules as a JavaScript file: `node tools/inline-modules.js OUT.js MODULE.wasm...`, for bundlers and pages that
 * cannot carry a .wasm file beside the library.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const [out, ...files] = process.argv.slice(2)
const lines = files.map((file) => {
  const backend = basename(file).replace(/^linformer-(\w+)\.wasm$/, '$1')
  return `export const ${backend} = '${readFileSync(file).toString('base64')}'\n`
})
writeFileSync(out, `// The modules of this folder as base64. Written by tools/inline-modules.js.\n${lines.join('')}`)
