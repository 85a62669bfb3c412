/**
 * Trunks and heads: several heads on one reading, vectors, attaching and exporting; the numbers are PyTorch's (training/golden_heads.py).
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { inspect, load, readSafetensors, shippedModels, tensorShapes, tensorValues, writeSafetensors } from 'linformer-wasm'
import { inspect as inspectInWorker, load as loadInWorker } from 'linformer-wasm/worker'
import { doubtOf } from '../../wasm/classify/typicality.js'
import { tiny } from './helpers/models.js'

const FOLDER = 'tests/golden/heads'
const NAMES = ['mean', 'words', 'window', 'directions']
const golden = JSON.parse(readFileSync(`${FOLDER}/golden.json`, 'utf8'))
const headFile = (name) => new Uint8Array(readFileSync(`${FOLDER}/${name}.safetensors`))

/** The engine computes in 32-bit floats. 
Of values beyond 1 it is a share. */
const BOUND = 2e-5
const near = (actual, expected, what) => assert.ok(Math.abs(actual - expected) <= BOUND * Math.max(1, Math.abs(expected)), `${what}: ${actual}, not ${expected}`)
const allNear = (actual, expected, what) => {
  assert.equal(actual.length, expected.length, what)
  for (const [i, value] of expected.entries()) near(actual[i], value, `${what} ${i}`)
}
const codeOf = (promise) => promise.then(() => 'no error', (error) => error.code ?? String(error))
const tokensOf = ({ ids }) => ({ tokens: Uint16Array.from(ids) })

let trunk
let heads
before(async () => {
  trunk = await load(`${FOLDER}/trunk.safetensors`)
  heads = await Promise.all(NAMES.map((name) => trunk.attach(`${FOLDER}/${name}.safetensors`)))
})
after(() => trunk.dispose())

/** The file with its metadata or tensors changed. */
function changed(file, change) {
  const { metadata, tensors } = readSafetensors(file)
  change({ metadata, tensors })
  return writeSafetensors(tensors, metadata)
}

for (const [index, document] of golden.entries()) {
  test(`a document of ${document.ids.length} tokens has the vector, logits, shares and evidence of PyTorch, read once for all heads`, async () => {
    let read = 0
    const results = await trunk.classify(tokensOf(document), {
      heads, explain: true, onProgress: ({ phase, done, total }) => { if (phase === 'encode' && done === total) read++ }
    })
    assert.equal(read, 1)
    for (const [i, name] of NAMES.entries()) {
      const { logits, contributions, evidence } = document.heads[name]
      const { explanation, found, typicality } = results[i]
      allNear(explanation.logits, logits, `${name}: logit`)
      const shares = explanation.tokens.map((token) => token.contributions.map((share) => share * document.ids.length)).flat()
      allNear(shares, contributions.flat(), `${name}: contribution`)
      const { thresholds } = heads[i]
      const expected = evidence?.map(([start, end], c) => ({ label: `${name} ${c}`, score: 1 / (1 + Math.exp(-logits[c])), input: 'tokens', start, end }))
        .filter(({ score }, c) => score >= thresholds[c]).sort((a, b) => b.score - a.score)
      assert.deepEqual(found?.map(({ score, ...rest }) => rest), expected?.map(({ score, ...rest }) => rest))
      found?.forEach(({ score }, j) => near(score, expected[j].score, 'score'))
      if (document.heads[name].typicality === undefined) assert.equal(typicality, undefined)
      else near(typicality, document.heads[name].typicality, 'typicality')
    }
    allNear(await trunk.embed(tokensOf(document)), document.vector, 'vector')
    // Each head for itself says the same.
    const [alone] = await heads[index % heads.length].classify([tokensOf(document)], { explain: true })
    assert.deepEqual(alone, results[index % heads.length])
  })
}

test('a label means little far from what is known, in a script that the tokenizer has no words of, and for the same few words over and over', () => {
  const tokens = (length, characters, different = length) => ({ length, characters, hasFewerThan: (limit) => different < limit })
  const doubts = [0, 0.0099, 0.01, 0.049, 0.05, 1].map((typicality) => doubtOf(typicality, tokens(6, 6)))
  assert.deepEqual(doubts, ['unlike', 'unlike', 'unusual', 'unusual', undefined, undefined])
  assert.deepEqual([0.001, 0.02, 1].map((typicality) => doubtOf(typicality, tokens(7, 6))), ['unlike', 'unknown-script', 'unknown-script'])
  assert.deepEqual([[63, 1], [64, 5], [64, 6], [100, 6], [100, 7]].map(([length, different]) => doubtOf(1, tokens(length, 500, different))), [undefined, 'repetitive', undefined, 'repetitive', undefined])
  assert.equal(doubtOf(1, tokens(784, 0, 2)), undefined, 'given ids')
})

test('a script that the tokenizer has no words of, the same words over and over, and both ends of lines', async () => {
  const subjects = await load('subjects')
  const doubtsOf = async (...inputs) => (await subjects.classify(inputs)).map(({ doubt }) => doubt)
  const cyrillic = 'Это предложение.\n'.repeat(8)
  const same = 'the cell divides and grows. '.repeat(200)
  const known = new Set(['unknown-script', 'unlike'])
  assert.ok((await doubtsOf(cyrillic, cyrillic.replaceAll('\n', '\r\n'), { text: cyrillic, textPair: cyrillic })).every((doubt) => known.has(doubt)))
  assert.ok(['repetitive', 'unlike'].includes((await doubtsOf(same))[0]))
  subjects.dispose()
})

test('typicality falls from 1 towards 0, and is never quite 0', () => {
  for (const name of ['mean', 'window']) {
    const values = golden.map(({ heads: { [name]: head } }) => head.typicality)
    assert.ok(Math.max(...values) > 0.5 && Math.min(...values) < 0.005 && Math.min(...values) > 0, String(values))
  }
})

test('a head that knows how distance falls with length forgives short documents, also in a complete file', async () => {
  const noise = { dtype: 'F32', shape: [1], data: new Uint8Array(Float32Array.of(3).buffer) }
  const head = await trunk.attach(changed(headFile('mean'), ({ tensors }) => { tensors.set('typicality.noise', noise) }))
  const complete = await load(await trunk.export(head))
  const document = golden.find(({ heads: { mean } }) => mean.typicality < 0.5)
  const { typicality } = await head.classify(tokensOf(document))
  assert.ok(typicality > document.heads.mean.typicality, `${typicality}, ${document.heads.mean.typicality}`)
  assert.equal((await complete.classify(tokensOf(document))).typicality, typicality)
  complete.dispose()
  head.dispose()
})

test('what a file is of is told before it is loaded', async () => {
  assert.equal((await inspect(`${FOLDER}/trunk.safetensors`)).kind, 'trunk')
  const head = await inspect(`${FOLDER}/words.safetensors`)
  assert.deepEqual([head.kind, head.parameters, head.chosen], ['head', 3 * 12 + 3 + 60 + 60 + 60 * 3, undefined])
  assert.equal((await inspect('models/sentiment.safetensors')).kind, 'model')
})

test('a trunk alone has vectors and no labels', async () => {
  assert.deepEqual([trunk.labels, trunk.labelsKind, trunk.config.n_classes], [[], 'one', undefined])
  assert.equal(await codeOf(trunk.classify('x')), 'BAD_ARGUMENT')
  const [a, b, failure] = await trunk.embed(['one text', 'another', ''])
  assert.ok(a instanceof Float32Array && a.length === 24 && b.length === 24)
  assert.notDeepEqual(a, b)
  assert.equal(failure.error.code, 'EMPTY_TEXT')
})

test('a text and its tokens are the same document', async () => {
  const text = 'Some bytes, and then some more.'
  const tokens = Uint32Array.from(new TextEncoder().encode(text), (byte) => byte + 1)
  const [a, b] = await heads[0].classify([text, { tokens }])
  assert.deepEqual(a, b)
})

test('tokens that cannot be are refused, and told', async () => {
  for (const tokens of [[1, 2], Uint8Array.of(1), Float32Array.of(1), Int32Array.of(1), 'abc', null]) {
    assert.equal(await codeOf(heads[0].classify({ tokens })), 'BAD_ARGUMENT', String(tokens))
  }
  await assert.rejects(heads[0].classify({ tokens: Uint32Array.of(5, 257) }), { code: 'BAD_ARGUMENT', message: /tokens\[1\] is 257; ids go from 0 to 256/ })
  assert.equal(await codeOf(heads[0].classify({ tokens: new Uint16Array(0) })), 'EMPTY_TEXT')
  assert.equal(await codeOf(heads[0].classify({ tokens: Uint16Array.of(1), text: 'x' })), 'BAD_ARGUMENT')
})

test('heads is an array of classifiers on the same trunk', async () => {
  const other = await load(tiny())
  for (const given of [[], 'x', {}, [other], [heads[0], {}], [trunk], [null]]) {
    assert.equal(await codeOf(trunk.classify('x', { heads: given })), 'BAD_ARGUMENT')
  }
  other.dispose()
})

test('an exported model is complete: it gives the results of trunk and head, and is a model to any reader', async () => {
  for (const [i, head] of heads.entries()) {
    const file = await trunk.export(head)
    assert.deepEqual(await trunk.export(headFile(NAMES[i])), file)
    assert.deepEqual(await head.export(), file)
    const { kind, labels } = await inspect(file)
    assert.deepEqual([kind, labels], ['model', head.labels])
    const complete = await load(file, { headRoom: 2 ** 14 })
    for (const document of golden.slice(1, 5)) {
      const [a, b] = await Promise.all([complete, head].map((each) => each.classify(tokensOf(document), { explain: true })))
      assert.equal(a.label, b.label)
      allNear(a.explanation.logits, b.explanation.logits, 'logit')
      assert.deepEqual(a.found?.map(({ label, start, end }) => [label, start, end]), b.found?.map(({ label, start, end }) => [label, start, end]))
    }
    // Heads of the trunk go on fitting it.
    await complete.attach(headFile('mean'))
    complete.dispose()
  }
})

for (const [where, loader, other] of [['here', load, loadInWorker], ['in a worker', loadInWorker, load]]) {
  test(`${where}, only heads of the trunk are exported with it, and none that has been disposed of`, async () => {
    const [a, b, c] = await Promise.all([loader, loader, other].map((begin) => begin(`${FOLDER}/trunk.safetensors`)))
    const [own, window, foreign, elsewhere] = await Promise.all([[a, 'mean'], [a, 'window'], [b, 'words'], [c, 'words']].map(([each, name]) => each.attach(headFile(name))))
    assert.deepEqual(await window.export(own), await trunk.export(heads[0]))
    for (const [head, message] of [[a, /trunk without a head/], [b, /^head is not a classifier on this trunk$/], [foreign, /^head is not/], [elsewhere, /^head is not/]]) {
      for (const each of [a, own]) await assert.rejects(each.export(head), { code: 'BAD_ARGUMENT', message })
    }
    for (const source of [foreign, elsewhere]) await assert.rejects(a.attach(source), { code: 'BAD_ARGUMENT', message: /^a source is a URL.*not a classifier/ })
    own.dispose()
    assert.equal(await codeOf(a.export(own)), 'DISPOSED')
    const attaching = window.attach(headFile('mean'))
    window.dispose()
    assert.equal(await codeOf(attaching), 'DISPOSED')
    const last = await a.attach(headFile('mean'))
    const exporting = codeOf(a.export(headFile('mean')))
    a.dispose()
    assert.equal(await exporting, 'DISPOSED')
    for (const call of [() => last.export(), () => last.export(headFile('mean')), () => last.attach(headFile('mean'))]) assert.equal(await codeOf(call()), 'DISPOSED')
    b.dispose()
    c.dispose()
  })
}

test('the config of an attached head has nothing of the head in the trunk\'s file', async () => {
  const trunkConfig = trunk.config
  for (const loader of [load, loadInWorker]) {
    const model = await loader(await trunk.export(heads[2]), { headRoom: 2 ** 16 })
    assert.deepEqual([model.config.pooling, model.config.window], ['window-max', heads[2].config.window])
    const { config } = await model.attach(headFile('mean'))
    assert.deepEqual(config, heads[0].config)
    assert.ok(!('window' in config) && !('window' in trunkConfig))
    model.dispose()
  }
})

test('a head is attached to its own trunk, and to no other', async () => {
  const model = tiny({ vocab_size: 257, d_model: 12, n_classes: 2 })
  const other = await load(model, { headRoom: 2 ** 14 })
  await assert.rejects(other.attach(headFile('mean')), { code: 'MODEL_CONFIG', message: /a head of the trunk bytes, sha256-/ })
  await assert.rejects(load(headFile('mean')), { code: 'MODEL_FORMAT', message: /is a head alone: load bytes/ })
  await assert.rejects(other.attach(model), { code: 'MODEL_FORMAT', message: /is a model, not a head/ })
  // A model is a trunk to the heads that name it.
  const digest = `sha256-${createHash('sha256').update(model).digest('base64')}`
  const own = await other.attach(changed(headFile('mean'), ({ metadata }) => { metadata.trunk = digest }))
  const [a, b] = await other.classify('a text', { heads: [other, own] })
  assert.deepEqual([a.label.slice(0, 5), b.label.slice(0, 4)], ['label', 'mean'])
  assert.deepEqual(await other.classify('a text'), a)
  other.dispose()
  assert.equal(await codeOf(own.classify('x')), 'DISPOSED')
})

test('a head that is disposed of leaves the others working', async () => {
  const head = await trunk.attach(headFile('mean'))
  head.dispose()
  head.dispose()
  assert.equal(await codeOf(head.classify('x')), 'DISPOSED')
  assert.equal(await codeOf(trunk.classify('x', { heads: [head] })), 'DISPOSED')
  assert.equal((await heads[0].classify('x')).tokens, 1)
})

test('the methods of attached heads need no `this`, and work through proxies', async () => {
  const { classify, embed } = heads[0]
  const proxy = new Proxy(heads[0], {})
  assert.deepEqual(await classify('x'), await proxy.classify('x'))
  assert.deepEqual(await embed('x'), await trunk.embed('x'))
  assert.equal((await trunk.classify('x', { heads: [proxy] })).length, 1)
})

const edits = {
  'words.ids that do not ascend': ['words', ({ tensors }) => { new DataView(tensors.get('words.ids').data.buffer, tensors.get('words.ids').data.byteOffset).setInt32(4, 0, true) }, 'MODEL_TENSOR', /words\.ids/],
  'a number that is not finite': ['words', ({ tensors }) => { tensors.get('words.weight').data.fill(0xff, 0, 4) }, 'MODEL_TENSOR', /words\.weight has a value that is not a finite number/],
  'a tensor that is missing': ['words', ({ tensors }) => { tensors.delete('words.idf') }, 'MODEL_TENSOR', /words\.idf , \[60\], is missing/],
  'typicality without its quantiles': ['mean', ({ tensors }) => { tensors.delete('typicality.quantiles') }, 'MODEL_TENSOR', /typicality\.quantiles/],
  'a typicality of a noise below 0': ['mean', ({ tensors }) => { tensors.set('typicality.noise', { dtype: 'F32', shape: [1], data: new Uint8Array(Float32Array.of(-1).buffer) }) }, 'MODEL_TENSOR', /typicality\.noise has to be 0 or more/],
  'a typicality of two noises': ['mean', ({ tensors }) => { tensors.set('typicality.noise', { dtype: 'F32', shape: [2], data: new Uint8Array(8) }) }, 'MODEL_TENSOR', /typicality\.noise has shape \[2\]/],
  'a tensor too many': ['mean', ({ tensors }) => { tensors.set('norm.weight', tensors.get('head.bias')) }, 'MODEL_TENSOR', /norm\.weight is not one/],
  'no trunk': ['mean', ({ metadata }) => { delete metadata.trunk }, 'MODEL_FORMAT', /no trunk/],
  'a kind of file that is none': ['mean', ({ metadata }) => { metadata.kind = 'tail' }, 'MODEL_FORMAT', /of the kind "tail"/],
  'a kind of labels that is none': ['mean', ({ metadata }) => { metadata.labels_kind = 'several' }, 'MODEL_CONFIG', /labels_kind is "several"/],
  'thresholds without many': ['mean', ({ metadata }) => { metadata.thresholds = '[0.5,0.5,0.5]' }, 'MODEL_CONFIG', /thresholds/],
  'a threshold of 1': ['window', ({ metadata }) => { metadata.thresholds = '[0.5,0.5,1]' }, 'MODEL_CONFIG', /thresholds is \[0\.5,0\.5,1\]/],
  'thresholds for other labels': ['window', ({ metadata }) => { metadata.thresholds = '[0.5]' }, 'MODEL_CONFIG', /3 numbers/]
}
for (const [what, [name, change, code, message]] of Object.entries(edits)) {
  test(`a head with ${what} is refused`, async () => {
    await assert.rejects(trunk.attach(changed(headFile(name), change)), { code, message })
  })
}

for (const [field, value, message] of [
  ['pooling', 'max', /config\.pooling is "max"/], ['pooling', 'weighted', /needs a trunk with importance/], ['window', 20, /only the pooling window-max/],
  ['words', -1, /config\.words is -1/], ['words', 258, /0 to vocab_size 257/], ['words', 1.5, /config\.words is 1\.5/], ['n_classes', 0, /config\.n_classes is 0/],
  ['d_model', 13, /./], ['vocab_size', 256, /vocab_size 256, its trunk 257/]
]) {
  test(`a head whose ${field} is ${value} is refused`, async () => {
    const file = changed(headFile('mean'), ({ metadata }) => { metadata.config = JSON.stringify({ ...JSON.parse(metadata.config), [field]: value }) })
    await assert.rejects(trunk.attach(file), (error) => {
      assert.match(error.code, /^MODEL_(CONFIG|TENSOR)$/)
      assert.match(error.message, message)
      return true
    })
  })
}
for (const window of [undefined, 0, 1, 3, 2.5, 2 ** 21]) {
  test(`window-max with a window of ${window} is refused`, async () => {
    const file = changed(headFile('window'), ({ metadata }) => { metadata.config = JSON.stringify({ ...JSON.parse(metadata.config), window }) })
    await assert.rejects(trunk.attach(file), { code: 'MODEL_CONFIG', message: /config\.window/ })
  })
}

test('the tensors of a trunk, and of a model', async () => {
  const { config } = await inspect(`${FOLDER}/trunk.safetensors`)
  assert.ok(!tensorShapes(config).has('head.weight'))
  const model = tensorShapes({ ...config, n_classes: 3, words: 5 })
  assert.deepEqual([model.get('head.weight'), model.get('words.weight')], [[3, 12], [5, 3]])
  for (const wrong of [null, undefined, 5, {}, { ...config, k: 5 }, { ...config, n_classes: 0 }, { ...config, n_classes: 3, words: 'x' }]) {
    assert.throws(() => tensorShapes(wrong), { code: 'MODEL_CONFIG', message: /^config/ })
  }
})

test('in a worker, all the same', async () => {
  const there = await loadInWorker(`${FOLDER}/trunk.safetensors`)
  const attached = await Promise.all(NAMES.map((name) => there.attach(`${FOLDER}/${name}.safetensors`)))
  const document = tokensOf(golden[5])
  assert.deepEqual(await there.classify(document, { heads: attached, explain: true }), await trunk.classify(document, { heads, explain: true }))
  assert.deepEqual(await there.embed([document]), await trunk.embed([document]))
  assert.deepEqual(await attached[2].classify('a text'), await heads[2].classify('a text'))
  assert.deepEqual(await there.export(attached[1]), await trunk.export(heads[1]))
  assert.deepEqual(await there.export(headFile('words')), await trunk.export(heads[1]))
  const { labels, thresholds, metadata } = attached[2]
  assert.deepEqual({ labels, thresholds, metadata }, { labels: heads[2].labels, thresholds: heads[2].thresholds, metadata: heads[2].metadata })
  await assert.rejects(there.attach('models/sentiment.safetensors'), { code: 'MODEL_FORMAT' })
  attached[0].dispose()
  assert.equal(await codeOf(attached[0].classify('x')), 'DISPOSED')
  assert.equal(await codeOf(there.classify('x', { heads: [attached[0]] })), 'DISPOSED')
  assert.equal(await codeOf(there.classify('x', { heads })), 'BAD_ARGUMENT')
  assert.equal((await attached[1].classify('x')).tokens, 1)
  there.dispose()
  assert.equal(await codeOf(attached[1].classify('x')), 'DISPOSED')
})

test('removal tells what the document says without each passage, as if it had been read so', async () => {
  const text = 'The first sentence says one thing or another at length. The second says that it is not so, also at length. And this is the third of them!'
  for (const input of [text, { text, textPair: text }, { tokens: Uint16Array.from(new TextEncoder().encode(text), (byte) => byte + 1) }]) {
    const phases = []
    const options = { explain: 'removal', removals: 2, onProgress: ({ phase, done, total }) => phases.push([phase, done, total]) }
    const whole = await heads[1].classify(input, options)
    const { passages, logits, tokens } = whole.explanation
    assert.deepEqual(passages.map(({ removal }) => removal !== undefined), passages.map((_, i) => i < 2))
    assert.deepEqual(tokens, [])
    assert.deepEqual(phases.filter(([phase]) => phase === 'removal'), [['removal', 0, 2], ['removal', 1, 2], ['removal', 2, 2]])
    for (const { input: where, start, end, removal } of passages.slice(0, 2)) {
      const rest = where === 'tokens'
        ? { tokens: input.tokens.filter((_, i) => i < start || i >= end) }
        : { text, ...input.textPair && { textPair: text }, [where]: text.slice(0, start) + text.slice(end) }
      const without = await heads[1].classify(rest, { explain: 'passages' })
      assert.equal(removal.label, without.label)
      assert.equal(removal.score, without.scores.find(({ label }) => label === whole.label).score)
      assert.deepEqual(removal.effects, logits.map((logit, c) => logit - without.explanation.logits[c]))
    }
  }
  // Of a document of one passage nothing is left.
  const [{ removal }] = (await heads[1].classify('Short.', { explain: 'removal' })).explanation.passages
  assert.equal(removal, undefined)
})

test('removal can be aborted', async () => {
  const controller = new AbortController()
  const text = 'A sentence that is long enough to be a passage of its own. '.repeat(20)
  const onProgress = ({ phase, done }) => { if (phase === 'removal' && done === 3) controller.abort() }
  assert.equal(await codeOf(heads[0].classify(text, { explain: 'removal', signal: controller.signal, onProgress })), 'ABORTED')
  assert.equal((await heads[0].classify('x')).tokens, 1)
})

test('explain and removals are checked', async () => {
  for (const options of [{ explain: 'why' }, { explain: 1 }, { explain: null }, { removals: 0 }, { removals: '3' }]) {
    assert.equal(await codeOf(heads[0].classify('x', options)), 'BAD_ARGUMENT', JSON.stringify(options))
  }
  const [a, b] = await Promise.all([true, 'attribution'].map((explain) => heads[0].classify('x y', { explain })))
  assert.deepEqual(a, b)
})

test('a shipped model is loaded by its name', async () => {
  assert.deepEqual(shippedModels, readdirSync('models').filter((name) => name.endsWith('.safetensors')).map((name) => name.slice(0, -'.safetensors'.length)).sort())
  for (const loader of [load, loadInWorker]) {
    const [byName, byPath] = await Promise.all(['sentiment', 'models/sentiment.safetensors'].map((source) => loader(source)))
    assert.deepEqual(await byName.classify('A fine film.'), await byPath.classify('A fine film.'))
    byName.dispose()
    byPath.dispose()
  }
  assert.equal((await inspect('subjects')).labels.length, 21)
})

test('a name that a shipped model had before loads it', async () => {
  for (const [loader, inspector] of [[load, inspect], [loadInWorker, inspectInWorker]]) {
    const classifier = await loader('imdb')
    assert.equal(classifier.name, 'sentiment')
    classifier.dispose()
    assert.equal((await inspector('imdb')).metadata.name, 'sentiment')
  }
  await assert.rejects(load('imdb.safetensors'), { code: 'SOURCE_FAILED' })
})

test('the web\'s inline entry looks for shipped models beside it, and says what to do where a bundler has left them behind', async (t) => {
  const { load: loadInline, inspect: inspectInline, shippedModels: names } = await import('../../wasm/inline.js')
  assert.deepEqual(names, shippedModels)
  const asked = []
  let answer = (url) => new Response(readFileSync(new URL(url)))
  t.mock.method(globalThis, 'fetch', async (url) => {
    asked.push(String(url))
    return answer(String(url))
  })
  const model = await loadInline('sentiment')
  assert.equal((await model.classify('A fine film.')).label, 'positive')
  assert.equal((await inspectInline('contracts')).labels.length, 34)
  assert.deepEqual(asked, ['sentiment', 'contracts'].map((name) => new URL(`../../models/${name}.safetensors`, import.meta.url).href))
  model.dispose()
  const advice = /"sentiment" names a model .* bundlers leave it behind: serve node_modules\/linformer-wasm\/models\/sentiment\.safetensors and load its URL/
  const missing = {
    SOURCE_FAILED: () => new Response('gone', { status: 404 }),
    MODEL_FORMAT: () => new Response('<!doctype html><title>My page</title>', { headers: { 'content-type': 'text/html' } })
  }
  for (const [code, respond] of Object.entries(missing)) {
    answer = respond
    for (const begin of [loadInline, inspectInline]) await assert.rejects(begin('sentiment'), { code, message: advice })
    await assert.rejects(loadInline('imdb'), { code, message: /"imdb" names a model .* serve \S+\/models\/sentiment\.safetensors and load its URL/ })
    await assert.rejects(loadInline('https://example.org/sentiment.safetensors'), (error) => error.code === code && !advice.test(error.message))
  }
})

/** A model of tests/golden/model as a whole file, which reads bytes: rows of zeros make its vocabulary large enough. */
function wholeModel({ metadata, tensors }) {
  const vocab = 257
  const config = { ...JSON.parse(metadata.config), vocab_size: vocab }
  const whole = new Map([...tensors].filter(([name]) => !name.startsWith('golden.')))
  for (const name of ['embed.token.weight', 'embed.token.weight.scale', 'pool.token']) {
    const tensor = whole.get(name)
    if (tensor === undefined) continue
    const data = new Uint8Array(tensor.data.length / tensor.shape[0] * vocab)
    data.set(tensor.data)
    whole.set(name, { ...tensor, shape: [vocab, ...tensor.shape.slice(1)], data })
  }
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  const offsets = Uint32Array.from({ length: vocab + 1 }, (_, i) => Math.max(0, i - 1))
  whole.set('tokenizer.vocab', { dtype: 'U8', shape: [256], data: bytes })
  whole.set('tokenizer.offsets', { dtype: 'U32', shape: [vocab + 1], data: new Uint8Array(offsets.buffer) })
  whole.set('tokenizer.merges', { dtype: 'U32', shape: [0, 2], data: new Uint8Array(0) })
  return writeSafetensors(whole, {
    format: 'linformer', version: '2', config: JSON.stringify(config),
    labels: JSON.stringify(Array.from({ length: config.n_classes }, (_, c) => `label ${c}`)),
    tokenizer: JSON.stringify({ type: 'byte-level-bpe', lowercase: false, sep: 0 })
  })
}

for (const name of ['stem', 'importance', 'window-max', 'words', 'all-window-max', 'directions', 'all-directions-I8']) {
  test(`a model file with its own head has the numbers of PyTorch: ${name}`, async () => {
    const file = readSafetensors(new Uint8Array(readFileSync(`tests/golden/model/${name}.safetensors`)))
    const model = await load(wholeModel(file), { precision: 'float32' })
    const lengths = [...file.tensors.keys()].map((key) => /^golden\.(\d+)\.ids$/.exec(key)?.[1]).filter(Boolean)
    assert.ok(lengths.length > 0)
    for (const length of lengths) {
      const wanted = (what) => [...tensorValues(file.tensors, `golden.${length}.${what}`)]
      const document = { tokens: Uint32Array.from(wanted('ids')) }
      const { explanation } = await model.classify(document, { explain: true })
      allNear(explanation.logits, wanted('logits'), 'logit')
      allNear(explanation.tokens.flatMap(({ contributions }) => contributions.map((share) => share * document.tokens.length)), wanted('contributions'), 'contribution')
      allNear(await model.embed(document), wanted('vector'), 'vector')
    }
    model.dispose()
  })
}

test('a stem or an importance that cannot be is refused, with its name', async () => {
  for (const [key, value] of [['stem', -1], ['stem', 4097], ['stem', 1.5], ['stem', '8'], ['importance', 1], ['importance', 'yes']]) {
    const file = changed(new Uint8Array(readFileSync(`${FOLDER}/trunk.safetensors`)), ({ metadata }) => {
      metadata.config = JSON.stringify({ ...JSON.parse(metadata.config), [key]: value })
    })
    await assert.rejects(load(file), { code: 'MODEL_CONFIG', message: new RegExp(`config\\.${key} is`) })
  }
  for (const [key, tensor] of [['stem', 'stem.in.weight'], ['importance', 'pool.token']]) {
    const file = changed(new Uint8Array(readFileSync(`${FOLDER}/trunk.safetensors`)), ({ metadata }) => {
      metadata.config = JSON.stringify({ ...JSON.parse(metadata.config), [key]: key === 'stem' ? 8 : true })
    })
    await assert.rejects(load(file), { code: 'MODEL_TENSOR', message: new RegExp(tensor.replaceAll('.', '\\.')) })
  }
})
