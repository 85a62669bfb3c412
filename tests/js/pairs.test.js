/**
 * { text, textPair } from training to verdict: a small model of whether two pieces of text are of one review. Model and
 * golden logits come from training/train_pairs.py. How often it is right is measured by training/evaluate.py, on 4,000
 * held-out pairs whose texts are no part of this project; the pairs here are our own.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import test from 'node:test'
import { load } from 'linformer-wasm'

const MODEL = 'tests/golden/pairs.safetensors'
/** @type {{ text: string, textPair: string, label: string, ids: number[], logits: number[] }[]} */
const golden = JSON.parse(readFileSync(new URL('../golden/pairs.json', import.meta.url), 'utf8'))

test('a pair gives the tokens and the logits of PyTorch', async (t) => {
  assert.ok(statSync(MODEL).size <= 300_000)
  const classifier = await load(MODEL, { backend: 'simd128', precision: 'float32' })
  let worst = 0
  for (const { text, textPair, ids, logits } of golden) {
    const { tokens, explanation } = await classifier.classify({ text, textPair }, { explain: true })
    assert.equal(tokens, ids.length)
    explanation.logits.forEach((logit, c) => { worst = Math.max(worst, Math.abs(logit - logits[c])) })
  }
  assert.ok(worst < 1e-4, `difference ${worst}`)
  t.diagnostic(`largest difference of a logit ${worst.toExponential(2)}`)
})

test('Windows line ends are line ends, and places are those of the text that was given', async () => {
  const classifier = await load('sentiment', { maxTokens: 512 })
  const lines = ['A decent film.', 'I would not see it again.', '', 'The ending is a surprise\r, my wife liked it.']
  const pair = (/** @type {string} */ end) => ({ text: lines.join(end), textPair: lines.toReversed().join(end) })
  const [unix, windows] = await classifier.classify([pair('\n'), pair('\r\n')], { explain: true })
  assert.deepEqual(windows.scores, unix.scores)
  assert.equal(windows.tokens, unix.tokens)
  const given = pair('\r\n')
  for (const part of /** @type {const} */ (['tokens', 'passages'])) {
    const [read, own] = [unix.explanation[part], windows.explanation[part]].map((pieces) => pieces.map(({ input, start, end }) => [input, start, end]))
    assert.deepEqual(own.map(([input, start, end]) => given[input].slice(start, end).replaceAll('\r\n', '\n')), read.map(([input, start, end]) => pair('\n')[input].slice(start, end)), part)
  }
  for (const { input, start, end, text } of windows.explanation.passages) assert.equal(text, given[input].slice(start, end))
  classifier.dispose()
})

test('what is taught from files of Windows is what is taught from those of Unix', async () => {
  const trunk = await load('general', { maxTokens: 512 })
  const letters = Array.from({ length: 16 }, (_, i) => ({ text: `Letter ${i}\n\nThe ${i % 2 ? 'rent is due' : 'roof leaks'} again.\nYours, ${i}`, label: i % 2 ? 'rent' : 'repairs' }))
  const taught = async (/** @type {string} */ end) => {
    const { head } = await trunk.teach(letters.map(({ text, label }) => ({ text: text.replaceAll('\n', end), label })))
    return head
  }
  assert.deepEqual(await taught('\r\n'), await taught('\n'))
  trunk.dispose()
})

test('the command line gives each pair the label of PyTorch', () => {
  const input = golden.map(({ text, textPair }, id) => JSON.stringify({ id, text, textPair })).join('\n')
  const args = ['bin/linformer.js', 'classify', '--model', MODEL, '--precision', 'float32', '--jsonl', '-']
  const answers = execFileSync('node', args, { input, encoding: 'utf8' }).trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(answers.map(({ label }) => label), golden.map(({ logits: [different, same] }) => same > different ? 'same' : 'different'))
})

test('most of our own pairs are judged rightly, in 8 bits too', async (t) => {
  for (const precision of ['float32', 'int8']) {
    const classifier = await load(MODEL, { precision })
    const verdicts = await classifier.classify(golden.map(({ text, textPair }) => ({ text, textPair })))
    const right = verdicts.filter(({ label }, i) => label === golden[i].label).length
    assert.ok(right >= 16, `${right} of ${golden.length}`)
    t.diagnostic(`${precision}: ${right} of ${golden.length}`)
  }
})

test('the verdict hangs on the pair: the same text with another one has another score', async () => {
  const classifier = await load(MODEL)
  const verdicts = await classifier.classify(golden.map(({ text, textPair }) => ({ text, textPair })))
  for (let i = 0; i < golden.length; i += 2) {
    assert.equal(golden[i].text, golden[i + 1].text)
    assert.notEqual(verdicts[i].score, verdicts[i + 1].score)
  }
  const [{ text, textPair }] = golden
  const joined = await classifier.classify(`${text} ${textPair}`)
  assert.notEqual(joined.score, verdicts[0].score)
})
