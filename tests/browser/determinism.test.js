/** The same bits in browsers: the stored hashes of cases and golden models, and the shipped model's verdicts in Node.js. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { after, test } from 'node:test'

import { load } from 'linformer-wasm'
import { createServer } from '../../tools/serve.js'
import { caseHashes, modelHashes, TEXTS, verdicts } from '../js/helpers/determinism.js'
import { goldenModels } from '../js/helpers/golden-models.js'
import { serve, temporaryFolder } from './helpers/browsers.js'
import { VISITORS } from './helpers/visitors.js'

const hashes = (await readFile('tests/golden/hashes.txt', 'utf8')).trim().split('\n')

// The demo's own server, and two files for the test.
const files = new Map([['/cases.wasm', await readFile('build/test/simd128.wasm')], ['/models.bin', goldenModels()]])
const demo = createServer()
const server = await serve(http.createServer((request, response) => {
  const file = files.get(request.url ?? '')
  if (file === undefined) demo.emit('request', request, response)
  else response.end(file)
}))
const { folder, remove } = await temporaryFolder()
after(async () => {
  server.close()
  await remove()
})

/** @type {string[]} */
const expected = []
for (const precision of /** @type {const} */ (['float32', 'int8'])) {
  const classifier = await load('models/sentiment.safetensors', { deterministic: true, precision })
  expected.push('simd128', precision, ...await verdicts(classifier, TEXTS))
}

const SCRIPT = `
  const verdicts = ${verdicts}
  const caseHashes = ${caseHashes}
  const modelHashes = ${modelHashes}
  const { load } = await import('/wasm/index.js')
  const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer())
  const found = []
  for (const precision of ['float32', 'int8']) {
    const classifier = await load('/models/sentiment.safetensors', { deterministic: true, precision })
    found.push(classifier.backend, classifier.precision, ...await verdicts(classifier, args[0]))
  }
  return {
    found, browser: navigator.userAgent,
    hashes: [...await caseHashes(await bytes('/cases.wasm')), ...await modelHashes(await bytes('/wasm/dist/linformer-simd128.wasm'), await bytes('/models.bin'))]
  }`

for (const [name, start] of Object.entries(VISITORS)) {
  test(`${name}: the same bits as everywhere`, { timeout: 400_000 }, async (t) => {
    const visitor = await start(folder)
    try {
      await visitor.open(`${server.origin}/web/none.txt`)
      const { found, hashes: hashesThere, browser } = await visitor.run(SCRIPT, TEXTS)
      assert.deepEqual(hashesThere, hashes)
      assert.deepEqual(found, expected)
      t.diagnostic(`${browser}: ${hashes.length} hashes as stored, and ${2 * TEXTS.length} verdicts as in Node.js`)
    } finally {
      await visitor.close()
    }
  })
}
