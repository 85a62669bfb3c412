/**
 * The model of handwritten digits against PyTorch (training/digits.py), and what it says of images drawn here.
 */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import test from 'node:test'
import { load } from 'linformer-wasm'

const FILE = 'models/digits.safetensors'
const SIDE = 28
const BOUNDS = { float32: 1e-4, int8: 0.1 }

/** @type {{ ids: number[], logits: number[] }[]} a ring, a bar and an empty sheet */
const golden = JSON.parse(readFileSync('tests/golden/digits.json', 'utf8'))

for (const [precision, bound] of Object.entries(BOUNDS)) test(`digits gives the logits of PyTorch: ${precision}`, async (t) => {
  const classifier = await load(FILE, { backend: 'simd128', precision })
  let worst = 0
  for (const { ids, logits } of golden) {
    const { explanation, tokens } = await classifier.classify({ tokens: Uint16Array.from(ids) }, { explain: true })
    assert.equal(tokens, SIDE * SIDE)
    explanation.logits.forEach((logit, c) => { worst = Math.max(worst, Math.abs(logit - logits[c])) })
  }
  t.diagnostic(`largest difference of a logit ${worst.toExponential(2)}`)
  assert.ok(worst < bound, `difference ${worst}`)
  classifier.dispose()
})

test('a ring is a nought and a bar a one; a letter of text is unlike both', async () => {
  const classifier = await load('digits')
  assert.deepEqual(classifier.labels, Array.from({ length: 10 }, (_, digit) => String(digit)))
  const [ring, bar] = await Promise.all(golden.slice(0, 2).map(({ ids }) => classifier.classify({ tokens: Uint16Array.from(ids) })))
  assert.deepEqual([ring.label, bar.label], ['0', '1'])
  const { typicality } = await classifier.classify('The tenant pays the rent on the first day of each month. '.repeat(14).slice(0, SIDE * SIDE))
  assert.ok(typicality < 0.01 && typicality < ring.typicality && typicality < bar.typicality, `${typicality}, ${ring.typicality}, ${bar.typicality}`)
  classifier.dispose()
})

test('digits is at most half a megabyte', () => assert.ok(statSync(FILE).size <= 5e5))
