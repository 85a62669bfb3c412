/**
 * One document of 65,536 tokens in a memory that is fixed at load and reported to the byte.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { randomModel } from './helpers/random-model.js'

const PAGE = 65536

test('65,536 tokens in one window', async (t) => {
  const made = []
  const { Memory } = WebAssembly
  WebAssembly.Memory = class extends Memory {
    constructor(limits) {
      super(limits)
      made.push({ memory: this, limits })
    }
  }
  t.after(() => { WebAssembly.Memory = Memory })
  const model = randomModel({ vocab_size: 257, n_max: 65536, d_model: 128, n_layers: 2, n_heads: 4, d_ff: 512, k: [128, 128] }, { dtype: 'I8' })
  const classifier = await load(model)
  const { memory, limits } = made.at(-1)
  assert.equal(limits.initial, limits.maximum)
  assert.equal(memory.buffer.byteLength, classifier.memory.total)
  assert.equal(classifier.memory.total, limits.initial * PAGE)
  assert.equal(classifier.memory.capacity, 65536)

  const { buffer } = memory
  const result = await classifier.classify('It was a dark and stormy night; '.repeat(2048))
  assert.deepEqual([result.tokens, result.tokensUsed, result.windows], [65536, 65536, 1])
  assert.ok(Number.isFinite(result.score))
  assert.equal(memory.buffer, buffer, 'the memory has not grown')
  assert.throws(() => memory.grow(1))
  t.diagnostic(`${classifier.memory.total} bytes in all`)
})
