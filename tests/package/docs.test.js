/**
 * The documents: the reference is what the types say, and links lead somewhere.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { writeApiDocs } from './api-docs.js'

/** Files below a folder, with their text. */
const filesOf = (folder) => Object.fromEntries(readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.md')).sort()
  .map((name) => [name, readFileSync(join(folder, name), 'utf8')]))

test('docs/api is what the types say', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'linformer-docs-')), 'api')
  await writeApiDocs(folder)
  assert.deepEqual(filesOf('docs/api'), filesOf(folder), 'run npm run docs')
})

test('links between the documents lead to files', () => {
  const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...Object.keys(filesOf('docs')).map((name) => `docs/${name}`)]
  for (const document of documents) {
    for (const [, target] of readFileSync(document, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(dirname(document), target)), `${document}: ${target}`)
    }
  }
})
