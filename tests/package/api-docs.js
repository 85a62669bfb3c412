#!/usr/bin/env node
/**
 * Writes docs/api, the reference, from the types and their comments: `npm run docs`. TypeDoc is among the tools of
 * these tests.
 */
import { realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { installTools, outputOf, toolFile } from './project.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** @param {string} folder the reference is written there, and nothing else is left in it */
export async function writeApiDocs(folder) {
  await installTools()
  await rm(folder, { recursive: true, force: true })
  const options = ['--options', 'tools/typedoc.json', '--plugin', toolFile('typedoc-plugin-markdown/dist/index.js'), '--out', folder, '--logLevel', 'Warn']
  await outputOf(process.execPath, [toolFile('typedoc/bin/typedoc'), ...options], ROOT)
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await writeApiDocs(fileURLToPath(new URL('../../docs/api', import.meta.url)))
}
