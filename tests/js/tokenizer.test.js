/**
 * The tokenizer against Hugging Face `tokenizers`, id for id and offset for offset, over hard strings. The goldens come
 * from training/golden_tokenizer.py.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { CApi, readSafetensors } from './helpers/c-api.js'

const GOLDEN = new URL('../golden/tokenizer/', import.meta.url)
const CHUNK = 4096

const numbers = ({ data }) => new Uint32Array(data.slice().buffer)

for (const name of ['lowercase', 'cased']) {
  const { metadata, tensors } = readSafetensors(new URL(`${name}.safetensors.gz`, GOLDEN))
  const text = tensors['cases.text'].data
  const textEnds = numbers(tensors['cases.text.offsets'])
  const tokens = numbers(tensors['cases.tokens'])
  const tokenEnds = numbers(tensors['cases.tokens.offsets'])
  const cases = textEnds.length - 1
  const api = new CApi('build/test/simd128.wasm')
  const tokenizer = api.tokenizer(tensors, metadata.lowercase === '1')

  for (const chunk of [CHUNK, 1, 7]) {
    test(`${name}: ${cases} strings in chunks of ${chunk} bytes give the tokens of the reference`, () => {
      assert.ok(cases >= 2000)
      for (let i = 0; i < cases; i++) {
        const bytes = text.subarray(textEnds[i], textEnds[i + 1])
        const expected = Array.from(tokens.subarray(3 * tokenEnds[i], 3 * tokenEnds[i + 1]))
        const actual = api.tokenize(tokenizer, bytes, chunk)
        assert.deepEqual(actual, expected, `string ${i}, ${JSON.stringify(new TextDecoder().decode(bytes)).slice(0, 100)}`)
      }
    })
  }
}

test('a 5 MB word without a space is read in linear time and constant memory', () => {
  const { tensors } = readSafetensors(new URL('lowercase.safetensors.gz', GOLDEN))
  const api = new CApi('build/test/simd128.wasm')
  const tokenizer = api.tokenizer(tensors, true)
  const ids = (tokens) => tokens.filter((_, i) => i % 3 === 0)
  const word = (length) => new Uint8Array(length).map((_, i) => 97 + ((i * i) % 26))
  const long = ids(api.tokenize(tokenizer, word(5_000_000), CHUNK))
  const offsets = numbers(tensors['tokenizer.offsets'])
  const spelled = long.reduce((sum, id) => sum + offsets[id + 1] - offsets[id], 0)
  assert.equal(spelled, 5_000_000)
  // The word repeats itself every 26 bytes, and soon so do its tokens.
  const short = ids(api.tokenize(tokenizer, word(10_000), CHUNK))
  assert.deepEqual(long.slice(0, short.length - 10), short.slice(0, -10))
})
