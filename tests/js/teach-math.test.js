/**
 * The mathematics of teaching, against scikit-learn on small data (training/golden_teach.py) and on data whose answer is known.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exp, log, sigmoid, softplus } from '../../wasm/teach/arithmetic.js'
import { chooseStrength, chooseWords, PRECISION } from '../../wasm/teach/choose.js'
import { Dense } from '../../wasm/teach/features.js'
import { fit } from '../../wasm/teach/fit.js'
import { dealFolds, hashOf } from '../../wasm/teach/folds.js'
import { headFile } from '../../wasm/teach/head-file.js'
import { fitLogistic, scoresOf } from '../../wasm/teach/logistic.js'
import { fitMix, mix } from '../../wasm/teach/mix.js'
import { averagePrecision, compare, confident, proportion } from '../../wasm/teach/measures.js'
import { compact } from '../../wasm/teach/row-space.js'
import { fitTypicality } from '../../wasm/teach/typicality.js'
import { Counts, tfidf } from '../../wasm/teach/words.js'
import { spreadOf, typicalityOf } from '../../wasm/classify/typicality.js'
import { readSafetensors, tensorValues } from '../../wasm/source/safetensors.js'

const golden = JSON.parse(readFileSync(new URL('../golden/teach.json', import.meta.url), 'utf8'))
const pause = async () => {}
const n = golden.x.length
const width = golden.x[0].length
const x = Float32Array.from(golden.x.flat())
const rows = Int32Array.from({ length: n }, (_, i) => i)
const one = { kind: /** @type {const} */ ('one'), classes: 4, label: Int32Array.from(golden.label) }
const many = { kind: /** @type {const} */ ('many'), classes: 3, has: Uint8Array.from(golden.has.flat()) }

const near = (/** @type {ArrayLike<number>} */ actual, /** @type {ArrayLike<number>} */ expected, /** @type {number} */ within) => {
  assert.equal(actual.length, expected.length)
  for (let i = 0; i < expected.length; i++) assert.ok(Math.abs(actual[i] - expected[i]) <= within, `${i}: ${actual[i]}, not ${expected[i]}`)
}

/** Ids of each document, as often as it has them. @param {number[][]} counts */
const idsOf = (counts) => counts.map((row) => Uint32Array.from(row.flatMap((count, id) => new Array(count).fill(id))))
const documents = idsOf(golden.counts)
const countsOf = (/** @type {Uint32Array[]} */ each) => {
  const counts = new Counts()
  for (const ids of each) counts.add(ids)
  return counts
}

test('exp, log, sigmoid and softplus agree with those of the host to a few units in the last place', () => {
  for (let i = -4000; i <= 4000; i++) {
    const value = i / 6 + i * 1e-5
    assert.ok(Math.abs(exp(value) / Math.exp(value) - 1) < 1e-15, `exp(${value})`)
    const large = Math.exp(value)
    assert.ok(Math.abs(log(large) - Math.log(large)) <= 1e-15 * Math.max(1, Math.abs(Math.log(large))), `log(${large})`)
  }
  assert.deepEqual([exp(-800), exp(800), exp(0), log(1), log(0), log(Infinity)], [0, Infinity, 1, 0, -Infinity, Infinity])
  assert.ok(Number.isNaN(exp(NaN)) && Number.isNaN(log(-1)))
  for (const value of [-40, -1, 0, 1, 40]) {
    assert.ok(Math.abs(sigmoid(value) - 1 / (1 + Math.exp(-value))) < 1e-15)
    assert.ok(Math.abs(softplus(value) - Math.log1p(Math.exp(value))) < 1e-14)
  }
})

test('one label: the coefficients of scikit-learn', async () => {
  for (const { strength, weights, bias } of golden.one) {
    const model = await fitLogistic(new Dense(x, width), one, rows, { strength, tolerance: 1e-8, pause })
    near(model.weights, weights.flat(), 1e-4)
    // Softmax does not change when all biases do; scikit-learn's sum to 0.
    const mean = model.bias.reduce((a, b) => a + b) / 4
    near(model.bias.map((value) => value - mean), bias, 1e-4)
  }
})

test('many labels: the coefficients of scikit-learn for each', async () => {
  for (const { strength, weights, bias } of golden.many) {
    const model = await fitLogistic(new Dense(x, width), many, rows, { strength, tolerance: 1e-8, pause })
    near(model.weights, weights.flat(), 1e-4)
    near(model.bias, bias, 1e-4)
  }
})

test('TF-IDF and its regression are those of scikit-learn, also in as few dimensions as documents', async () => {
  const { ids, idf, features } = tfidf(countsOf(documents), { vocabulary: 40, limit: 40 })
  near(idf, Array.from(ids, (id) => golden.idf[id]), 1e-7)
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(40)
    for (let k = features.starts[i]; k < features.starts[i + 1]; k++) row[ids[features.columns[k]]] = features.values[k]
    near(row, golden.rows[i], 1e-6)
  }
  for (const { strength, weights } of golden.words) {
    const expected = (/** @type {Float64Array} */ own) => near(Array.from(ids, (_, j) => [0, 1, 2, 3].map((c) => own[j * 4 + c])).flat(),
      Array.from(ids, (id) => [0, 1, 2, 3].map((c) => weights[c][id])).flat(), 1e-4)
    expected((await fitLogistic(features, one, rows, { strength, tolerance: 1e-8, pause })).weights)
  }
  // 20 documents, 40 columns: the detour through the space of the documents gives the same model.
  const few = tfidf(countsOf(documents.slice(0, 20)), { vocabulary: 40, limit: 40 }).features
  const own = rows.subarray(0, 20)
  const small = compact(few, 20)
  assert.equal(small.features.width, 20)
  const options = { strength: 0.5, tolerance: 1e-9, pause }
  const direct = await fitLogistic(few, one, own, options)
  near(small.expand(await fitLogistic(small.features, one, own, options)).weights, direct.weights, 1e-4)
})

test('the most frequent tokens are kept where there is a limit', () => {
  const { ids } = tfidf(countsOf([Uint32Array.of(3, 5), Uint32Array.of(5, 9, 9), Uint32Array.of(5, 3, 7)]), { vocabulary: 10, limit: 2 })
  assert.deepEqual([...ids], [3, 5])
})

test('the power of the IDF is what scikit-learn finds by cross-validation, and another than 1 only if it is worth it', async (t) => {
  const fold = Uint8Array.from(rows, (i) => i % 5)
  const choose = (/** @type {{ counts: number[][], encoder: number[][] }} */ { counts, encoder }, step = pause) =>
    chooseWords(countsOf(idsOf(counts)), { vocabulary: 40, limit: 40 }, Float64Array.from(encoder.flat()), one, fold, 5, step)
  assert.deepEqual(golden.powers.map((/** @type {{ power: number }} */ { power }) => power), [0.5, 1, 1.5])
  for (const each of golden.powers) {
    /** @type {number[]} */
    const shares = []
    const { power, strength } = await choose(each, async (share = NaN) => { shares.push(share) })
    assert.deepEqual([power, strength], [each.power, each.strength])
    assert.ok(shares.every((share, i) => share <= 1 && (i === 0 || share >= shares[i - 1])), 'progress goes on')
  }
  // Teaching fits no closer than it has to.
  const usual = { ...PRECISION }
  t.after(() => Object.assign(PRECISION, usual))
  Object.assign(PRECISION, { tolerance: 1e-8, decrease: 0 })
  for (const each of golden.powers) {
    const { words: { ids, idf }, loss, factors } = await choose(each)
    near(idf, Array.from(ids, (id) => each.idf[id]), 1e-7)
    near([loss], [each.losses[each.power]], 1e-5)
    near(factors, each.factors, 1e-5)
  }
})

test('distances are those of the covariance of Ledoit and Wolf', async () => {
  // The fourth moments are about the centre that rows come with.
  const centred = x.map((value, k) => value - golden.mean[k % width])
  const { mean, whitening, quantiles } = await fitTypicality(centred, width, new Array(n).fill(1e9), Uint8Array.from(rows, (i) => i % 5), 5, pause)
  const distances = Array.from(rows, (row) => Math.hypot(...Array.from({ length: width }, (_, i) => {
    let sum = 0
    for (let j = 0; j < width; j++) sum += whitening[i * width + j] * (centred[row * width + j] - mean[j])
    return sum
  })))
  near(distances, golden.distances, 1e-4)
  assert.equal(quantiles.length, 101)
  assert.ok(quantiles.every((value, i) => i === 0 || value >= quantiles[i - 1]))
  // Those of held-out documents are larger.
  assert.ok(quantiles[50] > [...distances].sort((a, b) => a - b)[n / 2])
})

test('few examples do not make new documents of their kind strange', async () => {
  let state = 1
  // Sums of twelve uniform numbers: near enough to normal.
  const normal = () => Array.from({ length: 12 }, () => (state = Math.imul(state, 48271) % 2147483647, Math.abs(state) / 2147483647)).reduce((a, b) => a + b) - 6
  let strange = 0
  const trials = 20
  for (let trial = 0; trial < trials; trial++) {
    const known = Float32Array.from({ length: 16 * 6 }, normal)
    const { mean, whitening, quantiles, noise } = await fitTypicality(known, 6, new Array(16).fill(10), Uint8Array.from({ length: 16 }, (_, i) => i % 5), 5, pause)
    for (let i = 0; i < 100; i++) {
      if (typicalityOf({ mean: Float32Array.from(mean), whitening: Float32Array.from(whitening), quantiles: Float32Array.from(quantiles), ofDirection: false, noise }, Array.from({ length: 6 }, normal), 10) < 0.05) strange++
    }
  }
  const share = strange / (100 * trials)
  assert.ok(share > 0.01 && share < 0.1, String(share)) // 0.05 if it were exact
})

test('a distance is judged for the number of tokens', async () => {
  // Percentiles 0, 0.01, ... 1 of the distance in one dimension. With a noise of 30, 10 tokens make it twice what it is at any length.
  const head = { mean: Float32Array.of(0), whitening: Float32Array.of(1), quantiles: Float32Array.from({ length: 101 }, (_, i) => i / 100), ofDirection: false, noise: 30 }
  assert.deepEqual([spreadOf(30, 10), spreadOf(30, 2), spreadOf(0, 2)], [2, 4, 1])
  near([typicalityOf(head, [0.5], 10)], [0.75], 1e-6)
  near([typicalityOf(head, [0.5], 2)], [0.875], 1e-6)
  near([typicalityOf({ ...head, noise: 0 }, [0.5], 2)], [0.5], 1e-6)
  near([typicalityOf(head, [4], 10)], [0.005 / 2 ** 8], 1e-9)

  // What a fit leaves depends on the lengths in the same way: with 10 times the spread, the percentiles are a tenth.
  const fold = Uint8Array.from(rows, (i) => i % 5)
  const centred = x.map((value, k) => value - golden.mean[k % width])
  const fitted = (/** @type {number} */ tokens) => fitTypicality(centred, width, new Array(n).fill(tokens), fold, 5, pause)
  const long = await fitted(1e12)
  const short = await fitted(long.noise / 99)
  near([...short.quantiles], Array.from(long.quantiles, (value) => value / 10), 1e-6)
  assert.deepEqual(short.whitening, long.whitening)
})

test('folds come from the texts: each has its share of each label, and equal texts are together', () => {
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i % 36}`)
  const hashes = texts.map(hashOf)
  const order = texts.map((_, i) => i).sort((a, b) => hashes[a] < hashes[b] ? -1 : 1)
  const labels = order.map((i) => (i % 36) % 2)
  const { fold, folds } = dealFolds({ hashes: order.map((i) => hashes[i]), sketches: order.map(() => new Uint32Array(0)), labels })
  assert.equal(folds, 5)
  for (let f = 0; f < 5; f++) for (const label of [0, 1]) {
    const share = order.filter((_, k) => fold[k] === f && labels[k] === label).length
    assert.ok(share >= 3 && share <= 7, `fold ${f}, label ${label}: ${share}`)
  }
  order.forEach((i, k) => order.forEach((j, l) => { if (texts[i] === texts[j]) assert.equal(fold[k], fold[l]) }))
  assert.equal(hashOf('a'), hashOf('a'))
  assert.notEqual(hashOf('ab'), hashOf('ba'))
})

test('the mix of two heads leaves out the one that knows nothing', async () => {
  const right = new Float64Array(n * 4)
  const noise = new Float64Array(n * 4)
  for (let i = 0; i < n; i++) {
    right[i * 4 + (i % 5 === 0 ? (golden.label[i] + 1) % 4 : golden.label[i])] = 3
    noise[i * 4 + (golden.label[i] + 1 + (i % 3)) % 4] = 3 // never right
  }
  const { factors } = await fitMix([right, noise], one, rows, pause)
  const lossOf = (/** @type {number[]} */ own) => {
    const scores = mix([right, noise], own)
    return rows.reduce((sum, i) => {
      const row = scores.subarray(i * 4, i * 4 + 4)
      return sum + Math.log(row.reduce((total, value) => total + Math.exp(value), 0)) - row[golden.label[i]]
    }, 0)
  }
  assert.equal(factors[1], 0)
  for (const by of [0.7, 1.4]) assert.ok(lossOf(factors) < lossOf([by * factors[0], 0]), `${factors[0]}`)
  assert.ok(lossOf(factors) < lossOf([factors[0], 0.2]))
})

test('features that say nothing give the frequencies of the labels, and no held-out document is worse than chance', async () => {
  const fold = Uint8Array.from({ length: 14 }, (_, i) => i % 5)
  const label = Int32Array.from({ length: 14 }, (_, i) => i % 2)
  const nothing = new Dense(new Float32Array(14 * 2), 2)
  const { scores } = await chooseStrength(nothing, { kind: 'one', classes: 2, label }, fold, 5, pause)
  for (let row = 0; row < 14; row++) near([scores[2 * row] - scores[2 * row + 1]], [0], 0.02)
  const has = Uint8Array.from({ length: 14 }, (_, i) => i % 7 === 0 ? 1 : 0)
  const each = await chooseStrength(nothing, { kind: 'many', classes: 1, has }, fold, 5, pause)
  near(each.scores, new Float64Array(14).fill(Math.log(2 / 12)), 0.25) // those of few are smoothed
})

test('a few documents do not take a head away', async () => {
  const label = Int32Array.from({ length: 12 }, (_, i) => i % 2)
  // Right for 5 of 12: by these alone the best factor would be below 0.
  const scores = Float64Array.from({ length: 24 }, (_, k) => (label[k >> 1] === k % 2) === (k >> 1 < 5) ? 0.5 : -0.5)
  const { factors } = await fitMix([scores], { kind: 'one', classes: 2, label }, Int32Array.from({ length: 12 }, (_, i) => i), pause)
  assert.ok(factors[0] > 0.01 && factors[0] < 1, String(factors))
})

test('F1 and average precision are those of scikit-learn; labels that no document has are left out', () => {
  const { truth, scores, predicted, macroF1, microF1, f1, averagePrecision: expected } = golden.measures
  const classes = truth[0].length
  const measured = compare(Uint8Array.from(truth.flat()), Uint8Array.from(predicted.flat()), classes)
  near([measured.macroF1.value, measured.microF1.value], [macroF1, microF1], 1e-12)
  assert.deepEqual(measured.perLabel.map((each) => each.f1 === null), f1.map((/** @type {number | null} */ value) => value === null))
  near(measured.perLabel.map((each) => Number(each.f1)), f1.map(Number), 1e-12)
  const column = (/** @type {number[][]} */ table, /** @type {number} */ c) => table.map((row) => row[c])
  for (let c = 0; c < classes; c++) {
    const own = averagePrecision(column(scores, c), column(truth, c).map((value) => value === 1))
    if (expected[c] === null) assert.equal(own, null)
    else near([Number(own)], [expected[c]], 1e-12)
  }
})

test('a score above which 95% are right: the lowest one, and none from a few documents that happen to be right', () => {
  const scores = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => 1 - i / n)
  const right = (/** @type {number} */ n, /** @type {number[]} */ wrong) => scores(n).map((_, i) => !wrong.includes(i))
  assert.equal(confident(scores(34), right(34, [])), null)
  assert.deepEqual(confident(scores(35), right(35, [])), { threshold: 1 - 34 / 35, share: 1 })
  assert.equal(confident(scores(35), right(35, [3])), null)
  assert.deepEqual(confident(scores(200), right(200, [3, 30, ...Array.from({ length: 100 }, (_, i) => 100 + i)])), { threshold: 1 - 101 / 200, share: 102 / 200 })
  assert.deepEqual(confident(new Array(60).fill(0.9), new Array(60).fill(true)), { threshold: 0.9, share: 1 })
})

test("Wilson's interval, as in his paper's form", () => {
  const { value, low, high } = proportion(9, 10)
  assert.equal(value, 0.9)
  near([low, high], [0.5958, 0.9821], 1e-4)
  near([proportion(0, 10).low, proportion(10, 10).high], [0, 1], 1e-12)
})

/** @param {{ wrong?: number[] }} [options] rows whose labels are swapped */
function examples({ wrong = [] } = {}) {
  const texts = Array.from({ length: n }, (_, i) => `document ${i}`)
  const hashes = texts.map(hashOf)
  const order = [...rows].sort((a, b) => hashes[a] < hashes[b] ? -1 : 1)
  const label = golden.label.map((/** @type {number} */ c, /** @type {number} */ i) => wrong.includes(i) ? (c + 2) % 4 : c)
  return {
    vectors: Float32Array.from(order.flatMap((i) => golden.x[i])),
    width,
    counts: countsOf(order.map((i) => documents[i])),
    vocabulary: 40,
    hashes: order.map((i) => hashes[i]),
    sketches: order.map(() => new Uint32Array(0)),
    indices: order,
    targets: { kind: /** @type {const} */ ('one'), classes: 4, label: Int32Array.from(order, (i) => label[i]) },
    labels: ['a', 'b', 'c', 'd']
  }
}

test('a fit is the same each time, its file has what a head needs, and its report adds up', async () => {
  const about = { trunk: 'sha256-x', trunkName: 'none', vocabulary: 40, metadata: {} }
  const { head, report } = await fit(examples(), pause)
  const file = headFile(head, about)
  assert.deepEqual(headFile((await fit(examples(), pause)).head, about), file)
  const { metadata, tensors } = readSafetensors(file, 'head')
  assert.equal(metadata.kind, 'head')
  const config = JSON.parse(metadata.config)
  assert.deepEqual([config.d_model, config.n_classes, config.words], [width / 2, 4, head.words?.ids.length])
  const whitening = tensorValues(tensors, 'typicality.whitening')
  assert.deepEqual([...tensorValues(tensors, 'typicality.noise')], [head.typicality.noise])
  assert.ok(whitening.every((value, k) => Math.abs(value - head.typicality.whitening[k]) <= 0.004 * Math.max(...head.typicality.whitening.map(Math.abs))))
  assert.equal(report.confusion?.flat().reduce((a, b) => a + b), n)
  const right = report.confusion?.reduce((sum, row, c) => sum + row[c], 0) ?? 0
  assert.equal(report.accuracy.value, right / n)
  assert.ok(report.accuracy.value > 0.5 && report.macroF1.low <= report.macroF1.value && report.macroF1.value <= report.macroF1.high)
  assert.ok(report.accuracy.value >= report.alone.words.accuracy.value - 0.05)
  assert.deepEqual(report.fewExamples, [])
})

test('examples with another label than their own are named first', async () => {
  const wrong = [3, 17, 42]
  const { report } = await fit(examples({ wrong }), pause)
  const named = report.suspects.slice(0, 12).map(({ index }) => index)
  assert.ok(wrong.filter((index) => named.includes(index)).length >= 2, `${named}`)
})

test('many labels: thresholds between 0 and 1, and figures for each label', async () => {
  const given = examples()
  const has = Uint8Array.from(given.indices.flatMap((i) => golden.has[i]))
  const { head, report } = await fit({ ...given, targets: { kind: 'many', classes: 3, has }, labels: ['a', 'b', 'c'] }, pause)
  assert.equal(head.thresholds?.length, 3)
  assert.ok(head.thresholds?.every((value) => value >= 0.05 && value <= 0.95))
  assert.equal(report.confusion, undefined)
  assert.ok(report.perLabel.every(({ f1 }) => f1 > 0.5), JSON.stringify(report.perLabel))
})

test('an abort stops a fit at every step', async () => {
  let steps = 0
  await fit(examples(), async () => { steps++ })
  for (const at of [1, Math.floor(steps / 2), steps]) {
    let taken = 0
    const stop = new Error('stop')
    await assert.rejects(fit(examples(), async () => { if (++taken === at) throw stop }), stop)
  }
})

test('scores of a linear model are bias and weighted features', () => {
  const scores = scoresOf(new Dense(Float32Array.of(1, 2, 3, 4), 2), { weights: Float64Array.of(1, 0, 0, 1, 1, 1), bias: Float64Array.of(0.5, 0, -1) }, Int32Array.of(1, 0))
  assert.deepEqual([...scores], [3.5, 4, 6, 1.5, 2, 2])
})
