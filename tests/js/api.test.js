/**
 * The API as users see it: what load and classify give back.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect, load, version } from 'linformer-wasm'
import { tensorBytes, tiny } from './helpers/models.js'

const text = 'A long text about nothing. It has sentences! Does it have a point? ' + 'Words follow words. '.repeat(10)

test('a result has the same shape for every option', async () => {
  const classifier = await load(tiny())
  for (const options of [{}, { topK: 1 }, { overflow: 'truncate' }, { overflow: 'error' }, { explain: true }]) {
    const result = await classifier.classify('some text', options)
    const { explanation, ...rest } = result
    assert.deepEqual(Object.keys(rest), ['label', 'score', 'scores', 'tokens', 'tokensUsed', 'truncated', 'windows'])
    assert.equal(explanation !== undefined, options.explain === true)
    assert.equal(result.scores.length, options.topK ?? 3)
    assert.deepEqual(result.scores[0], { label: result.label, score: result.score })
    assert.ok(classifier.labels.includes(result.label))
  }
  const { scores } = await classifier.classify('some text')
  assert.ok(Math.abs(scores.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-12)
  assert.ok(scores.every(({ score }, i) => i === 0 || score <= scores[i - 1].score))
})

test('a classifier describes itself', async () => {
  const classifier = await load(tiny())
  assert.equal(classifier.threads, 1)
  assert.ok(['simd128', 'relaxed'].includes(classifier.backend))
  assert.equal(classifier.config.n_max, 300)
  assert.deepEqual(classifier.labels, ['label 0', 'label 1', 'label 2'])
  assert.equal(classifier.metadata.license, 'none')
  assert.match(version, /^\d+\.\d+\.\d+$/)
  assert.equal(JSON.parse(readFileSync('package.json', 'utf8')).version, version)
})

test('every kind of source gives the same classifier', async (t) => {
  const bytes = tiny()
  const folder = await mkdtemp(join(tmpdir(), 'linformer-'))
  const path = join(folder, 'tiny.safetensors')
  await writeFile(path, bytes)
  const server = createServer((request, response) => response.end(bytes)).listen(0)
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${server.address().port}/tiny.safetensors`
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  const sources = {
    path, 'file URL': new URL(`file://${path}`), URL: url, 'URL object': new URL(url), Response: await fetch(url),
    Blob: new Blob([bytes]), ArrayBuffer: bytes.slice().buffer, bytes, 'unaligned bytes': shifted.subarray(3),
    DataView: new DataView(shifted.buffer, 3)
  }
  const expected = await (await load(bytes)).classify(text)
  for (const [kind, source] of Object.entries(sources)) {
    assert.deepEqual(await (await load(source)).classify(text), expected, kind)
  }
})

test('the wasm option takes a path, URL, bytes, Blob, Response or a module', async () => {
  const file = 'wasm/dist/linformer-simd128.wasm'
  const bytes = readFileSync(file)
  const expected = await (await load(tiny(), { backend: 'simd128' })).classify(text)
  const variants = [file, pathToFileURL(file), bytes, new Blob([bytes]), new Response(bytes), new WebAssembly.Module(bytes)]
  for (const wasm of variants) {
    assert.deepEqual(await (await load(tiny(), { backend: 'simd128', wasm })).classify(text), expected)
  }
})

test('integrity is checked', async () => {
  const bytes = tiny()
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('base64')
  assert.ok(await load(bytes, { integrity: `sha256-${digest}` }))
  const other = bytes.slice()
  other[other.length - 1] ^= 1
  await assert.rejects(load(other, { integrity: `sha256-${digest}` }), { code: 'INTEGRITY' })
  await assert.rejects(load(bytes, { integrity: 'md5-abc' }), { code: 'BAD_ARGUMENT', message: /md5-abc/ })
})

test('an array keeps its order, and a document that fails leaves an error in its place', async () => {
  const classifier = await load(tiny())
  const results = await classifier.classify(['one', '', { text: 'two' }, 3, { text: 'a', textPair: 4 }, null, 'six'])
  assert.deepEqual(results.map((result) => result.error?.code), [
    undefined, 'EMPTY_TEXT', undefined, 'BAD_ARGUMENT', 'BAD_ARGUMENT', 'BAD_ARGUMENT', undefined
  ])
  assert.deepEqual(results[0], await classifier.classify('one'))
  assert.deepEqual(results[6], await classifier.classify('six'))
  assert.deepEqual(await classifier.classify([]), [])
})

test('a text longer than the capacity: window, truncate, error', async () => {
  const classifier = await load(tiny(), { maxTokens: 100 })
  assert.equal(classifier.memory.capacity, 100)
  const long = text.repeat(3).slice(0, 250)
  const windowed = await classifier.classify(long)
  assert.deepEqual([windowed.tokens, windowed.tokensUsed, windowed.truncated, windowed.windows], [250, 250, false, 3])
  const truncated = await classifier.classify(long, { overflow: 'truncate' })
  assert.deepEqual([truncated.tokens, truncated.tokensUsed, truncated.truncated, truncated.windows], [250, 100, true, 1])
  assert.deepEqual(truncated.scores, (await classifier.classify(long.slice(0, 100))).scores)
  await assert.rejects(classifier.classify(long, { overflow: 'error' }), {
    code: 'TEXT_TOO_LONG', message: /250 tokens.*capacity is 100/, details: { tokens: 250, capacity: 100 }
  })
  const whole = await classifier.classify(long.slice(0, 100), { overflow: 'error' })
  assert.equal(whole.tokensUsed, 100)
})

test('windows are of even length, and their logits average to the mean over all tokens', async () => {
  const classifier = await load(tiny(), { maxTokens: 100 })
  const long = text.repeat(3).slice(0, 250)
  const { explanation } = await classifier.classify(long, { explain: true })
  const parts = [[0, 83], [83, 166], [166, 250]]
  const logits = [0, 0, 0]
  for (const [from, to] of parts) {
    const part = await classifier.classify(long.slice(from, to), { explain: true })
    part.explanation.logits.forEach((logit, c) => { logits[c] += logit * (to - from) / 250 })
  }
  // The engine gives floats of 32 bits: those of the parts are rounded before they are averaged here.
  logits.forEach((logit, c) => assert.ok(Math.abs(logit - explanation.logits[c]) < 1e-6))
})

test('an explanation adds up, covers every token, and points into the text', async () => {
  const classifier = await load(tiny())
  for (const input of [text, { text: 'first é😀 text. ', textPair: 'the other one' }, 'x', '\n.']) {
    const whole = typeof input === 'string' ? { text: input } : input
    const { explanation, tokens, label } = await classifier.classify(input, { explain: true })
    assert.equal(explanation.tokens.length, tokens)
    explanation.logits.forEach((logit, c) => {
      const sum = (rows) => rows.reduce((total, row) => total + row.contributions[c], explanation.bias[c])
      assert.ok(Math.abs(sum(explanation.tokens) - logit) < 1e-9)
      assert.ok(Math.abs(sum(explanation.passages) - logit) < 1e-9)
    })
    for (const { start, end, input: which } of explanation.tokens) {
      assert.ok(0 <= start && start <= end && end <= whole[which].length)
    }
    for (const passage of explanation.passages) {
      assert.equal(passage.text, whole[passage.input].slice(passage.start, passage.end))
    }
    const covered = ['text', 'textPair'].map((which) => {
      return explanation.passages.filter((passage) => passage.input === which).sort((a, b) => a.start - b.start)
        .map((passage) => passage.text).join('')
    })
    assert.deepEqual(covered, [whole.text, whole.textPair ?? ''])
    const strengths = explanation.passages.map(({ contribution }) => Math.abs(contribution))
    assert.deepEqual(strengths, [...strengths].sort((a, b) => b - a))
    const winner = classifier.labels.indexOf(label)
    assert.equal(winner, explanation.logits.indexOf(Math.max(...explanation.logits)))
  }
})

test('passages begin and end with sentences; short ones are joined', async () => {
  const classifier = await load('models/sentiment.safetensors')
  const sentences = [
    'The first sentence of this text has more than forty characters.', 'So has the second one, "which ends in a quotation mark."',
    'Short ones. Are joined! To the next. They are.', 'And this is the last sentence, on a line of its own.'
  ]
  const text = `${sentences.slice(0, 3).join(' ')}\n\n${sentences[3]}`
  const { explanation } = await classifier.classify(text, { explain: true })
  const passages = explanation.passages.sort((a, b) => a.start - b.start).map((passage) => passage.text.trim())
  assert.deepEqual(passages, sentences)
})

test('the tokens of an explanation can be left out', async () => {
  const classifier = await load(tiny())
  const text = 'one sentence of more than forty characters here. And another of them, which is as long as that.'
  const [{ explanation: all }, { explanation: some }] = [
    await classifier.classify(text, { explain: true }), await classifier.classify(text, { explain: 'passages' })
  ]
  assert.ok(all.tokens.length > 0)
  assert.deepEqual(some, { ...all, tokens: [] })
})

test('a bias is the head\'s, whatever the text: what it is added to are the contributions and nothing else', async () => {
  const bytes = tiny()
  const head = new Float32Array(tensorBytes(bytes, 'head.bias').slice().buffer)
  const classifier = await load(bytes, { maxTokens: 100 })
  for (const input of ['one text', text, { text, textPair: text }]) {
    const { explanation } = await classifier.classify(input, { explain: true })
    explanation.bias.forEach((bias, c) => assert.ok(Math.abs(bias - head[c]) < 1e-6, `${bias} ${head[c]}`))
  }
})

test('documents as they come: a result for each, in order, none asked for ahead', async () => {
  const classifier = await load(tiny())
  const inputs = ['one', '', { text: 'two', textPair: 'pair' }, 5, text]
  let asked = 0
  let closed = false
  async function* documents() {
    try {
      for (const input of inputs) {
        asked++
        yield input
      }
    } finally {
      closed = true
    }
  }
  const results = []
  for await (const result of classifier.classify(documents(), { topK: 2 })) {
    results.push(result)
    assert.equal(asked, results.length)
  }
  assert.deepEqual(results, await classifier.classify(inputs, { topK: 2 }))
  const stream = new ReadableStream({ start(controller) { for (const input of inputs) controller.enqueue(input); controller.close() } })
  const again = []
  for await (const result of classifier.classify(stream, { topK: 2 })) again.push(result)
  assert.deepEqual(again, results)

  closed = false
  for await (const result of classifier.classify(documents())) {
    assert.ok(result.label)
    break
  }
  assert.ok(closed, 'a reader that leaves closes the source')
  const broken = new RangeError('no more')
  async function* breaking() {
    yield 'one'
    throw broken
  }
  const reader = classifier.classify(breaking())
  assert.ok((await reader.next()).value.label)
  await assert.rejects(reader.next(), broken)
  await assert.rejects(classifier.classify(documents(), { topK: 0 }).next(), { code: 'BAD_ARGUMENT' })
})

test('using, and dispose, give the memory back', async () => {
  const classifier = await load(tiny())
  classifier[Symbol.dispose]()
  await assert.rejects(classifier.classify('text'), { code: 'DISPOSED' })
})

test('a pair is the text, the separator and the other text', async () => {
  const classifier = await load(tiny())
  const pair = await classifier.classify({ text: 'ab', textPair: 'cde' })
  assert.equal(pair.tokens, 6)
  assert.notDeepEqual(pair.scores, (await classifier.classify('abcde')).scores)
  assert.equal((await classifier.classify({ text: 'ab', textPair: '' })).tokens, 3)
})

test('lone surrogates and surrogates at the border of a chunk are read as TextEncoder does', async () => {
  const classifier = await load(tiny({ n_max: 20000 }))
  const border = 'x'.repeat(4095) + '😀y'
  assert.equal((await classifier.classify(border)).tokens, 4095 + 4 + 1)
  assert.equal((await classifier.classify('\ud83d')).tokens, 3)
  assert.equal((await classifier.classify('\ude00\ud83d!')).tokens, 7)
  const { explanation } = await classifier.classify(border, { explain: true })
  assert.deepEqual([explanation.tokens[4095].start, explanation.tokens[4098].end], [4095, 4097])
})

test('progress goes from nothing to all, in every phase', async () => {
  const events = []
  const classifier = await load(new Blob([tiny()]).stream ? new Response(tiny()) : tiny(), { onProgress: (event) => events.push(event) })
  await classifier.classify([text, text], { onProgress: (event) => events.push(event) })
  for (const phase of ['download', 'weights', 'tokenize', 'encode']) {
    const ofPhase = events.filter((event) => event.phase === phase)
    assert.ok(ofPhase.length > 0, phase)
    const last = ofPhase.at(-1)
    if (last.total !== undefined) assert.equal(last.done, last.total, phase)
  }
  assert.deepEqual([...new Set(events.filter(({ phase }) => phase === 'encode').map(({ index, count }) => `${index}/${count}`))], ['0/2', '1/2'])
})

test('progress tells the windows', async () => {
  const classifier = await load(tiny(), { maxTokens: 100 })
  const seen = new Set()
  await classifier.classify('x'.repeat(250), { onProgress: ({ phase, window, windows }) => seen.add(`${phase} ${window}/${windows}`) })
  assert.deepEqual([...seen], ['tokenize undefined/undefined', 'encode 0/3', 'encode 1/3', 'encode 2/3'])
})

test('calls on one classifier may overlap', async () => {
  const classifier = await load(tiny())
  const texts = Array.from({ length: 20 }, (_, i) => text.slice(i))
  const together = await Promise.all(texts.map((one) => classifier.classify(one)))
  for (const [i, one] of texts.entries()) assert.deepEqual(together[i], await classifier.classify(one))
})

test('several classifiers live side by side', async () => {
  const [a, b] = await Promise.all([load(tiny({}, { seed: 1 })), load(tiny({}, { seed: 2 }))])
  const [x, y] = await Promise.all([a.classify(text), b.classify(text)])
  assert.notDeepEqual(x, y)
  a.dispose()
  assert.deepEqual(await b.classify(text), y)
})

test('inspect tells what a model is and needs, without loading it', async () => {
  const bytes = tiny({ n_max: 2000 }, { dtype: 'I8' })
  const description = await inspect(bytes)
  assert.equal(description.fileBytes, bytes.length)
  assert.deepEqual(description.memory.map(({ capacity }) => capacity), [512, 1024, 2000])
  for (const plan of description.memory) {
    const { memory } = await load(bytes, { maxTokens: plan.capacity })
    assert.deepEqual({ ...memory }, plan)
  }
  assert.ok(description.tensors.some(({ name, dtype }) => name === 'attn.E' && dtype === 'I8'))
})

test('a text without a visible character is EMPTY_TEXT; one character, or a visible pair, is enough', async () => {
  const classifier = await load(tiny())
  for (const blank of ['', ' \t\r\n\f\v', '\f\f\f', '\u00a0\u3000\u2003', '\u200b\u200d\u2060\ufeff', '\ufeff', '\u202e\u00ad', '\0', '\u2800', '\ufffc']) {
    await assert.rejects(classifier.classify(blank), { code: 'EMPTY_TEXT' }, JSON.stringify(blank))
    await assert.rejects(classifier.classify({ text: blank, textPair: blank }), { code: 'EMPTY_TEXT' })
  }
  assert.ok((await classifier.classify('\u200b.')).label)
  assert.ok((await classifier.classify({ text: ' ', textPair: 'x' })).label)
})
