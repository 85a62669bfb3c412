/**
 * What the demo page computes for itself: attention matrices, held to PyTorch layer by layer, singular values, held to numpy's,
 * and the share of a race that is run, held to the engine's count of operations.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import * as library from 'linformer-wasm'
import { randomWeights } from '../../bin/random-weights.js'
import { embed, readModel, runLayer, tokenIds } from '../../web/chapters/attention.js'
import { passes, SHAPE, workDone } from '../../web/chapters/shape.js'
import { changeRank, decompose, singularValues } from '../../web/chapters/svd.js'

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
  const { weights } = readModel(library, read('models/sentiment.safetensors'))
  const classifier = await library.load('models/sentiment.safetensors')
  for (const { text, ids } of JSON.parse(readFileSync('tests/golden/sentiment.json', 'utf8')).slice(0, 5)) {
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

test('singular vectors rebuild the matrix term by term, each rank as near as it can be', () => {
  // numpy: U, s, V = svd(a); (U[:, :2] * s[:2]) @ V[:2] for a[i, j] = sin(1 + 7 i + 3 j + i j), 5 rows and columns
  const n = 5
  const matrix = Float64Array.from({ length: n * n }, (_, at) => Math.sin(1 + 7 * Math.floor(at / n) + 3 * (at % n) + Math.floor(at / n) * (at % n)))
  const golden = [
    0.180030454561, -0.018837029053, 0.008252390450, 0.084920595938, -0.149164452204,
    1.017017025390, -0.574082742650, -0.049285535268, 0.925513285692, -0.847102980231,
    0.540443653497, 1.031372503883, 0.247871767717, -0.782083035991, -0.437428080729,
    -0.283197097028, -0.215809653335, -0.063313755403, 0.100371356156, 0.232306661702,
    -0.759278210963, -0.601213470042, -0.174386233024, 0.290654557055, 0.622620913440
  ]
  const few = new Float64Array(n * n)
  changeRank(few, decompose(matrix, n), 0, 2)
  assert.ok(few.every((value, i) => Math.abs(value - golden[i]) < 1e-7), String(few))
})

for (const [name, of] of /** @type {[string, (i: number, j: number) => number][]} */ ([
  ['any', (i, j) => Math.sin((i * 96 + j) ** 2 + 0.3)], ['of rank 2', (i, j) => Math.sin(i) * Math.cos(j) + 2], ['the identity', (i, j) => Number(i === j)], ['nothing', () => 0]
])) {
  test(`a matrix is the sum of its terms, forwards and backwards: ${name}`, () => {
    const n = 96
    const matrix = Float64Array.from({ length: n * n }, (_, at) => of(Math.floor(at / n), at % n))
    const terms = decompose(matrix, n)
    const values = singularValues(matrix, n, n)
    assert.ok(terms.values.every((value, i) => Math.abs(value - values[i]) < 1e-9))
    const sum = new Float64Array(n * n)
    for (const [from, to] of [[0, 7], [7, n], [n, 20]]) {
      changeRank(sum, terms, from, to)
      // Eckart and Young: the error of the best matrix of rank k is the values that it leaves out.
      const left = Math.sqrt(terms.values.subarray(to).reduce((total, value) => total + value * value, 0))
      const error = Math.sqrt(matrix.reduce((total, value, i) => total + (value - sum[i]) ** 2, 0))
      assert.ok(Math.abs(error - left) < 1e-5, `rank ${to}: ${error}, not ${left}`)
    }
  })
}

for (const attention of /** @type {const} */ (['linformer', 'full'])) {
  test(`the work of a race counts what the engine counts, ${attention}`, async () => {
    for (const n of [512, 8192]) {
      const config = { ...SHAPE, n_max: n, k: [128, 128], attention, positions: /** @type {const} */ ('none') }
      const { chosen } = await library.inspect(randomWeights(library, config))
      const ratio = passes(attention, n).reduce((sum, cost) => sum + cost, 0) / (chosen?.operations ?? NaN)
      assert.ok(Math.abs(ratio - 1) < 0.02, `${ratio} at ${n}`)
      const shares = Array.from({ length: 101 }, (_, i) => workDone(attention, n, i / 100))
      assert.ok(shares[0] === 0 && Math.abs(shares[100] - 1) < 1e-12 && shares.every((share, i) => i === 0 || share >= shares[i - 1]))
    }
  })
}
