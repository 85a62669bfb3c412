/**
 * What the demo page computes for itself: attention matrices, held to PyTorch layer by layer, and singular values, held
 * to numpy's.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import * as library from 'linformer-wasm'
import { embed, readModel, runLayer, tokenIds } from '../../web/chapters/attention.js'
import { singularValues } from '../../web/chapters/svd.js'

const read = (/** @type {string} */ file) => {
  const { buffer, byteOffset, byteLength } = readFileSync(file)
  return buffer.slice(byteOffset, byteOffset + byteLength)
}

for (const name of ['full', 'full-F16', 'full-I8', 'sinusoidal-odd']) {
  test(`the attention of ${name} follows PyTorch, layer by layer`, () => {
    const file = read(`tests/golden/model/${name}.safetensors`)
    const { config, weights } = readModel(library, file)
    const ids = library.tensorValues(library.readSafetensors(file).tensors, 'golden.144.ids')
    const states = weights('golden.144.x')
    const x = embed(config, weights, ids)
    for (let layer = 0; layer <= config.n_layers; layer++) {
      const golden = states.subarray(layer * x.length, (layer + 1) * x.length)
      const off = x.reduce((most, value, i) => Math.max(most, Math.abs(value - golden[i])), 0)
      assert.ok(off < 1e-5, `${off} before layer ${layer}`)
      if (layer === config.n_layers) break
      const matrices = runLayer(config, weights, layer, x)
      assert.equal(matrices.length, config.n_heads)
      for (const probs of matrices) {
        for (let i = 0; i < 144; i++) assert.ok(Math.abs(probs.subarray(i * 144, (i + 1) * 144).reduce((a, b) => a + b) - 1) < 1e-12)
      }
    }
  })
}

test('the ids of a text\'s pieces are the tokenizer\'s', async () => {
  const { weights } = readModel(library, read('models/imdb.safetensors'))
  const classifier = await library.load('models/imdb.safetensors')
  for (const { text, ids } of JSON.parse(readFileSync('tests/golden/imdb.json', 'utf8')).slice(0, 5)) {
    const { explanation } = await classifier.classify(text, { explain: true })
    assert.deepEqual([...tokenIds(text, explanation.tokens, weights, true)], ids)
  }
  classifier.dispose()
})

test('singular values are numpy\'s', () => {
  // numpy.linalg.svd of a[i, j] = sin(1 + 7 i + 3 j + i j), 6 rows and 5 columns, and of a matrix of rank 1
  const matrix = Float64Array.from({ length: 30 }, (_, at) => Math.sin(1 + 7 * Math.floor(at / 5) + 3 * (at % 5) + Math.floor(at / 5) * (at % 5)))
  const golden = [1.9636375691919843, 1.9168882704435182, 1.617302353384565, 1.571896760583461, 1.399287398448721]
  const values = singularValues(matrix, 6, 5)
  assert.ok(values.every((value, i) => Math.abs(value - golden[i]) < 1e-7), String(values))
  const one = singularValues(Float64Array.from({ length: 12 }, (_, at) => (1 + Math.floor(at / 3)) * (1 + (at % 3))), 4, 3)
  assert.ok(Math.abs(one[0] - Math.sqrt(30 * 14)) < 1e-10 && one[1] < 1e-6 && one[2] < 1e-6, String(one))
})

test('singular values of a large matrix: an orthogonal one, a permuted diagonal, and the sums they must have', () => {
  const n = 300
  const reflection = new Float64Array(n * n) // I - 2 u uᵀ
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) reflection[i * n + j] = (i === j ? 1 : 0) - 2 / n
  assert.ok(singularValues(reflection, n, n).every((value) => Math.abs(value - 1) < 1e-7))

  const diagonal = new Float64Array(n * n)
  for (let i = 0; i < n; i++) diagonal[i * n + ((i * 7) % n)] = i
  assert.ok(singularValues(diagonal, n, n).every((value, i) => Math.abs(value - (n - 1 - i)) < 1e-4))

  const low = Float64Array.from({ length: n * n }, (_, at) => Math.sin(Math.floor(at / n)) * Math.cos(at % n) + 1e-3 * Math.cos(Math.floor(at / n)) * Math.sin(3 * (at % n)))
  const few = singularValues(low, n, n)
  assert.ok(few[1] > 0.1 && few.slice(2).every((value) => value < 1e-6 * few[0]), 'rank 2')

  const any = Float64Array.from({ length: n * n }, (_, i) => Math.sin(i * i))
  const squares = any.reduce((sum, value) => sum + value * value, 0)
  const values = singularValues(any, n, n)
  assert.ok(Math.abs(values.reduce((sum, value) => sum + value * value, 0) / squares - 1) < 1e-10)
})
