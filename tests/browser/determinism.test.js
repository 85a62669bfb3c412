/** The same bits in browsers as in Node.js: the engine's cases and the shipped model's verdicts. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { load } from 'linformer-wasm'
import { caseHashes, TEXTS, verdicts } from '../js/helpers/determinism.js'
import { launch, serve, temporaryFolder } from './helpers/browsers.js'

const server = await serve()
const { folder, remove } = await temporaryFolder()
/** @type {string[]} */
let cases
/** @type {string[]} */
let expected
/** @type {string} */
let module

before(async () => {
  const wasm = await readFile('build/test/simd128.wasm')
  module = wasm.toString('base64')
  cases = await caseHashes(wasm)
  expected = await verdicts(await load('models/imdb.safetensors', { deterministic: true }), TEXTS)
})

after(async () => {
  server.close()
  await remove()
})

for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  test(`${name}: the same bits as in Node.js`, { timeout: 120_000 }, async (t) => {
    const browser = await launch(name, path.join(folder, name))
    try {
      const page = await browser.newPage()
      await page.goto(`${server.origin}/web/none.txt`)
      const found = await page.evaluate(`(async () => {
        const verdicts = ${verdicts}
        const caseHashes = ${caseHashes}
        const { load } = await import('/wasm/index.js')
        const classifier = await load('/models/imdb.safetensors', { deterministic: true })
        return {
          backend: classifier.backend, verdicts: await verdicts(classifier, ${JSON.stringify(TEXTS)}),
          cases: await caseHashes(Uint8Array.from(atob('${module}'), (c) => c.charCodeAt(0)))
        }
      })()`)
      const { backend, verdicts: verdictsThere, cases: casesThere } = /** @type {any} */ (found)
      assert.equal(backend, 'simd128')
      assert.deepEqual(casesThere, cases)
      assert.deepEqual(verdictsThere, expected)
      t.diagnostic(`${await browser.version()}: ${cases.length} cases and ${expected.length} verdicts`)
    } finally {
      await browser.close()
    }
  })
}
