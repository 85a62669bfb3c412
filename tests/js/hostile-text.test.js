/**
 * Texts made to be hard to read: linear time, constant linear memory, right offsets, nothing left out in silence.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { TEXTS } from '../fuzz/values.js'
import { tiny } from './helpers/models.js'

const MODEL = 'models/sentiment.safetensors'
const MB = 2 ** 20

/** Milliseconds of the processor that a call takes, whatever else the machine does, and its value. */
async function timed(work) {
  const started = process.cpuUsage()
  const value = await work()
  const { user, system } = process.cpuUsage(started)
  return { value, ms: (user + system) / 1000 }
}

test('50 MB of text: every token counted, in linear time and the same memory', { timeout: 300_000 }, async (t) => {
  const classifier = await load(MODEL)
  const unit = ' It was, all in all, a film of 1999 that I will remember for its music.'
  const { tokens: each } = await classifier.classify(unit)
  const { total } = classifier.memory
  const times = []
  for (const size of [5 * MB, 50 * MB]) {
    const copies = Math.floor(size / unit.length)
    const text = unit.repeat(copies)
    const { value, ms } = await timed(() => classifier.classify(text, { overflow: 'truncate' }))
    assert.equal(value.tokens, copies * each)
    assert.equal(value.tokensUsed, classifier.memory.capacity)
    assert.equal(value.truncated, true)
    assert.equal(classifier.memory.total, total)
    times.push(ms / copies)
    t.diagnostic(`${(copies * unit.length / MB).toFixed(0)} MB, ${value.tokens} tokens: ${ms.toFixed(0)} ms, ${(copies * unit.length / 1000 / ms).toFixed(1)} MB/s`)
  }
  assert.ok(times[1] < 3 * times[0], `time for each unit: ${times}`)
})

test('one word of 5 MB, of several kinds: linear time', { timeout: 300_000 }, async (t) => {
  const classifier = await load(MODEL)
  for (const [kind, piece] of [['one letter', 'a'], ['letters', 'abcdefghijklmnopqrstuvwxyz'], ['digits', '0123456789'], ['spaces', ' '], ['newlines', '\n'], ['Chinese', '\u4e2d\u6587\u5b57'], ['emoji', '\u{1f600}'], ['combining', 'e\u0301'], ['apostrophes', "'"]]) {
    const times = []
    for (const size of [MB / 2, 5 * MB]) {
      const text = `.${piece.repeat(Math.floor(size / piece.length))}`
      const { value, ms } = await timed(() => classifier.classify(text, { overflow: 'truncate' }))
      assert.ok(value.tokens > 0 && value.tokens <= 4 * text.length)
      times.push(ms / text.length)
    }
    assert.ok(times[1] < 4 * times[0], `${kind}: ms for each character ${times}`)
    t.diagnostic(`${kind}: ${(1 / 1000 / times[1]).toFixed(1)} million characters/s`)
  }
})

test('hidden and malformed characters count, and have their offsets', async () => {
  const classifier = await load(MODEL)
  for (const text of TEXTS.filter((text) => text !== '')) {
    const padded = `good ${text} bad`
    const { tokens, explanation } = await classifier.classify(padded, { explain: true })
    assert.equal(tokens, explanation.tokens.length)
    let end = 0
    for (const token of explanation.tokens) {
      assert.ok(token.start <= end && token.end > token.start && token.end >= end, JSON.stringify({ padded, token, end }))
      end = token.end
    }
    assert.equal(end, padded.length)
    const sum = explanation.tokens.reduce((total, { contributions }) => total + contributions[0], explanation.bias[0])
    assert.ok(Math.abs(sum - explanation.logits[0]) < 1e-4 * (1 + Math.abs(sum)))
  }
})

test('a document of NULs, of lone surrogates, of reversed text, of byte order marks', async () => {
  const classifier = await load(tiny({ n_max: 5000, k: [20, 20] }))
  for (const piece of ['\0', '\ud800', '\udc00', '\u202e', '\ufeff', '\u200b', '\ud83d']) {
    const text = `${piece.repeat(4097)}.`
    const { tokens, truncated } = await classifier.classify(text)
    assert.equal(tokens, new TextEncoder().encode(text).length)
    assert.equal(truncated, false)
  }
})

test('surrogate pairs across every border of a chunk', async () => {
  const classifier = await load(tiny({ n_max: 20000, k: [20, 20] }))
  for (let shift = 4090; shift < 4100; shift++) {
    for (const middle of ['\u{1f600}', '\ud83d', '\ude00', '\u{1f600}\ud83d', '\ud83d\u{1f600}']) {
      const text = 'a'.repeat(shift) + middle + 'b'
      const { tokens } = await classifier.classify(text)
      assert.equal(tokens, new TextEncoder().encode(text).length, `${shift} ${JSON.stringify(middle)}`)
    }
  }
})
