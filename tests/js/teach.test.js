/**
 * trunk.teach, here and in a worker, on a trunk with random weights: the words alone tell these labels apart.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluate, load, LinformerError } from 'linformer-wasm'
import { load as loadInWorker } from 'linformer-wasm/worker'
import { randomModel } from './helpers/random-model.js'

const trunkFile = randomModel({ n_max: 128 })
const options = { deterministic: true, headRoom: 2 ** 16 }

const LETTERS = { parcels: 'abcdef', bills: 'uvwxyz' }
const examples = Object.entries(LETTERS).flatMap(([label, letters]) => Array.from({ length: 12 }, (_, i) => {
  return { text: Array.from({ length: 20 }, (_, j) => letters[(i * j + i + j * j) % 6]).join('') + i, label }
}))
const codeOf = (/** @type {string} */ code, message = /./) => (/** @type {unknown} */ error) => {
  assert.ok(error instanceof LinformerError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

test('examples become a head file that attaches, classifies, explains and is exported', async () => {
  const trunk = await load(trunkFile, options)
  /** @type {string[]} */
  const phases = []
  const { head, report } = await trunk.teach(examples, { name: 'letters', onProgress: ({ phase }) => { phases.push(phase) } })
  assert.ok(['examples', 'fit'].every((phase) => phases.includes(phase)))
  assert.ok(report.accuracy.value > 0.9, JSON.stringify(report.accuracy))
  assert.deepEqual(report.perLabel.map(({ label, examples }) => [label, examples]), [['bills', 12], ['parcels', 12]])
  const letters = await trunk.attach(head)
  assert.deepEqual([letters.labels, letters.name], [['bills', 'parcels'], 'letters'])
  const result = await letters.classify('uvwxyz zyxwvu', { explain: true })
  assert.equal(result.label, 'bills')
  const { bias, logits, tokens } = /** @type {import('linformer-wasm').Explanation} */ (result.explanation)
  logits.forEach((logit, c) => {
    const sum = tokens.reduce((total, { contributions }) => total + contributions[c], bias[c])
    assert.ok(Math.abs(logit - sum) < 1e-3, `${logit} and ${sum}`)
  })
  assert.equal(typeof result.typicality, 'number')
  const complete = await load(await trunk.export(head), options)
  assert.equal((await complete.classify('uvwxyz zyxwvu')).label, 'bills')
  assert.ok(Math.abs((await complete.classify('abc')).score - (await letters.classify('abc')).score) < 1e-6)
  complete.dispose()
  trunk.dispose()
})

test('the same examples give the same bytes: in another order, as a stream, in a worker', async () => {
  const trunk = await load(trunkFile, options)
  const { head } = await trunk.teach(examples)
  assert.deepEqual((await trunk.teach([...examples].reverse())).head, head)
  const stream = async function* () { yield* examples }
  assert.deepEqual((await trunk.teach(stream())).head, head)
  trunk.dispose()
  const remote = await loadInWorker(trunkFile, options)
  assert.deepEqual((await remote.teach(examples)).head, head)
  const { head: streamed, report } = await remote.teach(stream())
  assert.deepEqual(streamed, head)
  assert.equal(report.examples, 24)
  remote.dispose()
})

test('many labels: those above their thresholds are found', async () => {
  const trunk = await load(trunkFile, options)
  const both = { text: 'abcdef uvwxyz fedcba zyxwvu', labels: ['parcels', 'bills'] }
  const given = [...examples.map(({ text, label }) => ({ text, labels: [label] })), both, { text: '........,,,,,,', labels: [] }]
  const { head, report } = await trunk.teach(given)
  assert.equal(report.confusion, undefined)
  const letters = await trunk.attach(head)
  assert.equal(letters.labelsKind, 'many')
  assert.deepEqual((await letters.classify('uvwxyzuvwxyzuvwxyz')).found?.map(({ label }) => label), ['bills'])
  trunk.dispose()
})

test('evaluate: figures of any classifier, its worst mistakes with their passages, and what was left out', async () => {
  for (const loadHere of [load, loadInWorker]) {
    const trunk = await loadHere(trunkFile, options)
    const letters = await trunk.attach((await trunk.teach(examples)).head)
    const given = [
      ...examples.slice(0, 3), ...examples.slice(12, 15), { text: 'uvwxyz. Vwx! uvwx yz.', label: 'parcels' },
      { text: 'abc', label: 'vans' }, { text: '  ', label: 'bills' }, { text: 'abc', labels: ['bills', 'parcels'] }
    ]
    const stream = async function* () { yield* given }
    /** @type {number[]} */
    const done = []
    const evaluation = await evaluate(letters, stream(), { onProgress: (event) => { done.push(event.done) } })
    assert.deepEqual(done, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert.deepEqual(await evaluate(letters, given), evaluation)
    assert.deepEqual([evaluation.examples, evaluation.confusion], [7, [[3, 0], [1, 3]]])
    assert.ok(Math.abs(evaluation.accuracy.value - 6 / 7) < 1e-12)
    assert.ok(Math.abs(evaluation.macroF1.value - 6 / 7) < 1e-12)
    const [mistake] = evaluation.mistakes
    assert.deepEqual([mistake.index, mistake.labels, mistake.predicted, mistake.label], [6, ['parcels'], ['bills'], 'bills'])
    assert.match(String(mistake.passage?.text), /[uvwxyz]/)
    assert.deepEqual(evaluation.skipped.map(({ index, code }) => [index, code]), [[7, 'BAD_ARGUMENT'], [8, 'EMPTY_TEXT'], [9, 'BAD_ARGUMENT']])
    assert.deepEqual((await evaluate(letters, given, { mistakes: 0 })).mistakes, [])
    await assert.rejects(evaluate(letters, [{ text: 'abc', label: 'vans' }]), codeOf('BAD_ARGUMENT', /none of the examples \(1\) could be used; the first: the classifier has no label "vans"; it has "bills", "parcels"$/))
    for (const none of [5, undefined, 'letters.safetensors']) {
      await assert.rejects(evaluate(/** @type {never} */ (none), examples), codeOf('BAD_ARGUMENT', /^classifier is .*; it has to come from load$/))
    }
    await assert.rejects(evaluate({ ...letters, labels: [] }, examples), codeOf('BAD_ARGUMENT', /trunk without a head/))
    await assert.rejects(evaluate(letters, examples, { signal: AbortSignal.abort() }), codeOf('ABORTED'))
    await assert.rejects(evaluate(letters, /** @type {any} */ ([{ text: 'abc' }])), codeOf('BAD_ARGUMENT', /a label or labels/))
    await assert.rejects(evaluate(letters, examples, { mistakes: -1 }), codeOf('BAD_ARGUMENT', /mistakes is -1/))
    trunk.dispose()
  }
})

test('evaluate of many labels: what was missed and what should not have been given', async () => {
  const trunk = await load(trunkFile, options)
  const given = [...examples.map(({ text, label }) => ({ text, labels: [label] })), { text: 'abcdef uvwxyz fedcba zyxwvu', labels: ['parcels', 'bills'] }, { text: '......,,,,,,', labels: [] }]
  const letters = await trunk.attach((await trunk.teach(given)).head)
  const { confusion, microF1, meanAveragePrecision, mistakes } = await evaluate(letters, [...examples, { text: 'abcdef abcdef fedcba', labels: ['bills'] }])
  assert.equal(confusion, undefined)
  assert.ok(Number(microF1?.value) > 0.9 && Number(meanAveragePrecision) > 0.9)
  assert.equal(mistakes.length, 1)
  assert.deepEqual([mistakes[0].index, mistakes[0].labels, mistakes[0].predicted], [24, ['bills'], ['parcels']])
  trunk.dispose()
})

test('bad examples are told in words, and a fit with the others goes on where it can', async () => {
  const trunk = await load(trunkFile, options)
  const rejects = (/** @type {any} */ given, /** @type {RegExp} */ message) => assert.rejects(trunk.teach(given), codeOf('BAD_ARGUMENT', message))
  await rejects(examples.filter(({ label }) => label === 'bills'), /all 12 examples have the label "bills"/)
  await rejects([], /no examples/)
  await rejects([examples[0], examples[20]], /two labels with two different texts each/)
  const same = { text: 'the same text', label: 'bills' }
  await rejects([...new Array(5).fill(same), ...new Array(5).fill({ ...same, label: 'parcels' })], /two labels with two different texts each.*"bills" \(1\), "parcels" \(1\)/)
  await rejects([1, 2].flatMap((i) => [{ text: `${i}`, label: 'a' }, { text: `${i}`, label: 'b' }]), /four different texts in all/)
  await rejects([1, 1, 1, 2, 3].map((i) => ({ text: `${i}`, labels: ['a'] })), /a label with two different texts, and four different texts in all/)
  await rejects([...examples, { text: 'x' }], /^example 24: an example has a label or labels/)
  await rejects([...examples, { text: 'x', labels: ['bills'] }], /some examples have a label and others labels/)
  await rejects([...examples, { text: 'x', label: ' ' }], /a string that is not empty/)
  await rejects(Array.from({ length: 10_000 }, (_, i) => ({ text: 'x', label: `label ${i}` })), /at most 1000/)
  for (const none of ['text', null, 5, {}, { [Symbol.iterator]: 5 }, { [Symbol.asyncIterator]: {} }, { [Symbol.iterator]: () => 5 }]) await rejects(none, /an array or an iterable/)
  await assert.rejects(trunk.teach(examples, { memoryBudget: 5000 }), codeOf('OUT_OF_MEMORY', /memoryBudget is 5000/))
  await rejects(examples.map((example, i) => ({ ...example, label: `${i % 2}${'x'.repeat(200)}` })), /no examples; 24 could not be used, the first: a label has 201 characters; at most 200/)
  await assert.rejects(trunk.teach(examples, { name: 'n'.repeat(5e6) }), codeOf('BAD_ARGUMENT', /needs \d+ bytes; at most 4194304 are possible/))
  const { report: long } = await trunk.teach([...examples, { text: 'Hello', label: 'x'.repeat(201) }, { text: 'Hello', label: 'bills' }])
  assert.deepEqual([long.skipped, long.perLabel.map(({ label }) => label)],
    [[{ index: 24, code: 'BAD_ARGUMENT', message: 'a label has 201 characters; at most 200 are possible' }], ['bills', 'parcels']])
  const repeated = examples.filter((_, i) => i % 6 < 2)
  const { report: { folds, examples: n, accuracy } } = await trunk.teach([...repeated, ...repeated, ...repeated])
  assert.deepEqual([folds, n, Number.isFinite(accuracy.value)], [Math.min(5, repeated.length), 3 * repeated.length, true])
  const odd = [...examples, { text: '  ', label: 'bills' }, { text: examples[0].text, label: 'bills' }, { text: 'q', label: 'alone' }]
  const { report } = await trunk.teach(odd)
  assert.deepEqual(report.skipped.map(({ index, code }) => [index, code]), [[24, 'EMPTY_TEXT']])
  assert.deepEqual(report.sameText, [[0, 25]])
  assert.deepEqual(report.fewExamples, [{ label: 'alone', examples: 1 }])
  trunk.dispose()
})

test('an error of one example that ends the whole has its index', async () => {
  const wrong = [5, { text: 5, label: 'bills' }, { text: 'x', label: '' }, { text: 'x', label: 'bills', labels: [] }, { tokens: [1], label: 'bills' }]
  const ofTeach = [{ text: 'x', labels: ['bills'] }, { tokens: Uint32Array.of(3, 2 ** 20), label: 'bills' }]
  for (const loader of [load, loadInWorker]) {
    const trunk = await loader(trunkFile, options)
    const letters = await trunk.attach((await trunk.teach(examples)).head)
    const rejects = async (/** @type {Promise<unknown>} */ call) => assert.rejects(call, (error) => {
      assert.equal(/** @type {LinformerError} */ (error).details.example, 3)
      return codeOf('BAD_ARGUMENT', /^example 3: [^]/)(error)
    })
    for (const one of [...wrong, ...ofTeach]) {
      const given = /** @type {any[]} */ ([...examples.slice(0, 3), one, ...examples.slice(3)])
      await rejects(trunk.teach(given))
      await rejects(trunk.teach((async function* () { yield* given })()))
      if (!ofTeach.includes(/** @type {never} */ (one))) await rejects(evaluate(letters, given))
    }
    trunk.dispose()
  }
})

test('documents of tokens are one text where all ids are the same, however long', async () => {
  const trunk = await load(trunkFile, options)
  const ids = Uint16Array.from({ length: 5000 }, (_, i) => 1 + i % 200)
  const form = (/** @type {number} */ last) => ({ tokens: Uint16Array.from(ids, (id, i) => i === 4999 ? last : id) })
  const given = [10, 11, 12, 13].map((last, i) => ({ ...form(last), label: `${i % 2}` }))
  const { report } = await trunk.teach([...given, { tokens: Uint32Array.from(form(10).tokens), label: '1' }])
  assert.deepEqual(report.sameText, [[0, 4]])
  trunk.dispose()
})

test('an abort stops teaching while it reads, while it fits, and while it waits for examples; the trunk goes on', async () => {
  for (const loadHere of [load, loadInWorker]) {
    const trunk = await loadHere(trunkFile, options)
    for (const phase of ['examples', 'fit']) {
      const controller = new AbortController()
      const onProgress = (/** @type {{ phase: string }} */ event) => { if (event.phase === phase) controller.abort() }
      await assert.rejects(trunk.teach(examples, { signal: controller.signal, onProgress }), codeOf('ABORTED'))
    }
    const controller = new AbortController()
    const never = async function* () {
      yield examples[0]
      await new Promise(() => {})
    }
    const waiting = trunk.teach(never(), { signal: controller.signal })
    setTimeout(() => controller.abort(), 20)
    await assert.rejects(waiting, codeOf('ABORTED'))
    const failing = async function* () {
      yield examples[0]
      throw new Error('the source broke')
    }
    await assert.rejects(trunk.teach(failing()), /the source broke/)
    assert.equal((await trunk.classify('abc')).tokens, 3)
    trunk.dispose()
  }
})
