/**
 * The shipped model against PyTorch, from text to logits. The goldens come from training/export.py.
 */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { CApi, readSafetensors } from './helpers/c-api.js'

const MODEL = 'models/imdb.safetensors'
const golden = JSON.parse(readFileSync(new URL('../golden/imdb.json', import.meta.url), 'utf8'))

/** Largest difference of a logit: floats are PyTorch's but for rounding, codes of 8 bits are coarser. */
const BOUNDS = { float32: 1e-4, int8: 0.1 }

for (const precision of Object.keys(BOUNDS)) test(`the shipped model gives the logits of PyTorch for our own texts: ${precision}`, async (t) => {
  const classifier = await load(MODEL, { backend: 'simd128', precision })
  let worst = 0
  for (const { text, ids, logits } of golden) {
    const { tokens, label, explanation } = await classifier.classify(text, { explain: true })
    assert.equal(tokens, ids.length)
    assert.equal(label, classifier.labels[logits.indexOf(Math.max(...logits))])
    explanation.logits.forEach((logit, c) => { worst = Math.max(worst, Math.abs(logit - logits[c])) })
  }
  assert.ok(worst < BOUNDS[precision], `difference ${worst}`)
  t.diagnostic(`largest difference of a logit ${worst.toExponential(2)}`)
})

test('and the token ids of Hugging Face tokenizers', () => {
  const { metadata, tensors } = readSafetensors(MODEL)
  const api = new CApi('wasm/dist/linformer-simd128.wasm')
  const tokenizer = api.tokenizer(tensors, JSON.parse(metadata.tokenizer).lowercase)
  for (const { text, ids } of golden) {
    const tokens = api.tokenize(tokenizer, new TextEncoder().encode(text), 4096)
    assert.deepEqual(tokens.filter((_, i) => i % 3 === 0), ids)
  }
})

test('it has room for 4,096 tokens, shares one projection, and is at most 4 MB', async () => {
  const classifier = await load(MODEL)
  assert.ok(classifier.config.n_max >= 4096)
  assert.equal(classifier.config.sharing, 'layerwise')
  assert.deepEqual(classifier.labels, ['negative', 'positive'])
  assert.ok(statSync(MODEL).size <= 4e6)
})
