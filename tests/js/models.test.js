/**
 * The shipped models against PyTorch, from text to logits. The goldens come from training/export.py.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { CApi, readSafetensors } from './helpers/c-api.js'

/** @type {Record<string, { tokens: number, classes: number, license: string }>} */
const SHIPPED = {
  imdb: { tokens: 4096, classes: 2, license: 'MIT' },
  scotus: { tokens: 16384, classes: 11, license: 'CC-BY-NC-4.0' }
}

/** Largest difference of a logit: floats are PyTorch's but for rounding, codes of 8 bits are coarser. */
const BOUNDS = { float32: 1e-4, int8: 0.1 }

test('these models are shipped, each with its card', () => {
  const files = readdirSync('models').filter((name) => /\.(safetensors|md)$/.test(name)).sort()
  assert.deepEqual(files, Object.keys(SHIPPED).flatMap((name) => [`${name}.md`, `${name}.safetensors`]).sort())
})

for (const [name, shipped] of Object.entries(SHIPPED)) {
  const path = `models/${name}.safetensors`
  const golden = JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))

  for (const [precision, bound] of Object.entries(BOUNDS)) test(`${name} gives the logits of PyTorch for our own texts: ${precision}`, async (t) => {
    const classifier = await load(path, { backend: 'simd128', precision })
    let worst = 0
    for (const { text, ids, logits } of golden) {
      const { tokens, label, explanation } = await classifier.classify(text, { explain: true })
      assert.equal(tokens, ids.length)
      assert.equal(label, classifier.labels[logits.indexOf(Math.max(...logits))])
      explanation.logits.forEach((logit, c) => { worst = Math.max(worst, Math.abs(logit - logits[c])) })
    }
    assert.ok(worst < bound, `difference ${worst}`)
    t.diagnostic(`largest difference of a logit ${worst.toExponential(2)}`)
  })

  test(`${name} gives the token ids of Hugging Face tokenizers`, () => {
    const { metadata, tensors } = readSafetensors(path)
    const api = new CApi('wasm/dist/linformer-simd128.wasm')
    const tokenizer = api.tokenizer(tensors, JSON.parse(metadata.tokenizer).lowercase)
    for (const { text, ids } of golden) {
      const tokens = api.tokenize(tokenizer, new TextEncoder().encode(text), 4096)
      assert.deepEqual(tokens.filter((_, i) => i % 3 === 0), ids)
    }
  })

  test(`${name} has its capacity, shares one projection, is at most 4 MB and says what it is`, async () => {
    const classifier = await load(path)
    assert.ok(classifier.config.n_max >= shipped.tokens)
    assert.equal(classifier.config.sharing, 'layerwise')
    assert.equal(classifier.labels.length, shipped.classes)
    assert.equal(classifier.metadata.license, shipped.license)
    assert.ok(statSync(path).size <= 4e6)
  })

  test(`${name} takes a text of one word, or of one character`, async () => {
    const classifier = await load(path)
    for (const text of ['wonderful', 'tax', 'a', '!']) {
      const { scores, tokens } = await classifier.classify(text)
      assert.ok(tokens >= 1)
      assert.equal(scores.length, shipped.classes)
      assert.ok(Math.abs(scores.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-9)
    }
  })
}

test('one word decides where it says all', async () => {
  const imdb = await load('models/imdb.safetensors')
  assert.equal((await imdb.classify('wonderful')).label, 'positive')
  assert.equal((await imdb.classify('awful')).label, 'negative')
})
