/**
 * The parts of training/ that need nothing but Python.
 */
import { Tokenizer } from '@huggingface/tokenizers'
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { readSafetensors, tensorValues, writeSafetensors } from 'linformer-wasm'

const folder = mkdtempSync(join(tmpdir(), 'linformer-training-'))
after(() => rmSync(folder, { recursive: true }))

const tokenizerJson = (model, out) => ['-B', 'training/tokenizer_json.py', model, '--out', out]

/** Hugging Face's tokenizer with the tokenizer.json that Python writes of a model file: text to ids. */
function reference(model) {
  const out = join(folder, 'tokenizer.json')
  execFileSync('python3', tokenizerJson(model, out), { stdio: 'pipe' })
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(out, 'utf8')), {})
  return (text) => tokenizer.encode(text, { add_special_tokens: false }).ids
}

for (const name of ['sentiment', 'general']) {
  test(`the tokenizer.json of ${name} encodes as the tokenizer that it was trained with`, () => {
    const encode = reference(`models/${name}.safetensors`)
    for (const { text, ids } of JSON.parse(readFileSync(`tests/golden/${name}.json`, 'utf8'))) {
      assert.deepEqual(encode(text), ids, text.slice(0, 60))
    }
  })
}

test('the tokenizer.json of a cased tokenizer encodes hard strings as the tokenizer itself', () => {
  const { tensors } = readSafetensors(gunzipSync(readFileSync('tests/golden/tokenizer/cased.safetensors.gz')), 'cased')
  const model = join(folder, 'cased.safetensors')
  const tables = [...tensors].filter(([key]) => key.startsWith('tokenizer.'))
  writeFileSync(model, writeSafetensors(tables, { tokenizer: JSON.stringify({ lowercase: false }) }))
  const encode = reference(model)
  const [text, starts, tokens, ends] = ['text', 'text.offsets', 'tokens', 'tokens.offsets'].map((key) => tensorValues(tensors, `cases.${key}`))
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  assert.ok(starts.length > 2000)
  for (let i = 0; i + 1 < starts.length; i++) {
    const expected = Array.from({ length: ends[i + 1] - ends[i] }, (_, j) => tokens[3 * (ends[i] + j)])
    assert.deepEqual(encode(decoder.decode(text.subarray(starts[i], starts[i + 1]))), expected, `string ${i}`)
  }
})

test('what has no tokenizer in it is refused in one line', () => {
  const head = join(folder, 'head.safetensors')
  writeFileSync(head, writeSafetensors([], { format: 'linformer' }))
  const short = join(folder, 'short.safetensors')
  writeFileSync(short, 'short')
  for (const [model, words] of [[head, /it lacks vocab, offsets, merges/], [short, /is no safetensors file/], [join(folder, 'none'), /No such file/]]) {
    const { status, stderr } = spawnSync('python3', tokenizerJson(model, join(folder, 'none.json')), { encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(stderr, words)
    assert.equal(stderr.trim().split('\n').length, 1)
  }
})

test('no written sentence that the model learned from is one that it is tested on', () => {
  const lines = (/** @type {string} */ name) => readFileSync(`training/contrast/${name}.csv`, 'utf8').trim().split('\n').slice(1)
    .map((line) => line.replace(/,(positive|negative)\r?$/, '').replace(/^"(.*)"$/, '$1').toLowerCase())
  const learned = new Set(lines('train'))
  const tested = [...lines('test'), ...lines('plain'), ...lines('pairs')]
  assert.ok(tested.length > 500 && learned.size > 10_000)
  assert.deepEqual(tested.filter((text) => learned.has(text)), [])
})
