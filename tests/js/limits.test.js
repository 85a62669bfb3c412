/**
 * Work and memory that a model from a stranger may ask for: told before, and refused with numbers where no one can have
 * meant it.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { inspect, load } from 'linformer-wasm'
import { headOperations, operationsOf, tilesOfHeadSlice, tilesOfSlice } from '../../wasm/engine/cost.js'
import { tiny, withConfig } from './helpers/models.js'
import { randomHead } from './helpers/random-head.js'

const absurd = () => tiny({ n_max: 2 ** 20, k: [2 ** 20, 2 ** 20], projection: 'mean', positions: 'sinusoidal' })

test('a few kilobytes that ask for days of work are refused, unless asked for', async () => {
  const { chosen } = await inspect(absurd())
  assert.ok(chosen.operations > 2 * 2 ** 40 * 32, `${chosen.operations}`)
  await assert.rejects(load(absurd()), (error) => {
    assert.equal(error.code, 'BUDGET_TOO_SMALL')
    assert.deepEqual([error.details.capacity, error.details.limit], [2 ** 20, 1e13])
    return true
  })
  // Fewer tokens, or the caller's word.
  assert.equal((await load(absurd(), { maxTokens: 2000 })).memory.capacity, 2000)
  assert.equal((await load(absurd(), { maxOperations: 1e15 })).memory.capacity, 2 ** 20)
  await assert.rejects(load(tiny(), { maxOperations: 10 }), { code: 'BUDGET_TOO_SMALL' })
  await assert.rejects(load(tiny(), { maxOperations: 0 }), { code: 'BAD_ARGUMENT' })
})

test('operations, counted by hand', async () => {
  const { memory } = await inspect(tiny({ n_max: 100, d_model: 4, n_layers: 1, n_heads: 2, d_ff: 8, n_classes: 3, k: [10] }))
  // For each token: query and output, the feed-forward layer, its share of E h, attention to 10 keys, the head and its sums.
  const each = 2 * 16 + 2 * 4 * 8 + 10 * 4 + 10 * (2 * 4 + 2) + 3 * (4 + 1)
  assert.equal(memory.at(-1).operations, 100 * each + 10 * 2 * 16)
})

test('operations of heads, counted by hand: word heads and windows too, and attached ones', async () => {
  const trunk = { d_model: 4, vocab_size: 300 }
  // For each token and label a product of 4 and a sum; a binary search in 63 words; at the end all words, and at most as many
  // rows of weights as there are tokens.
  assert.equal(headOperations({ ...trunk, n_classes: 3 }, 100), 100 * 3 * 5)
  assert.equal(headOperations({ ...trunk, n_classes: 3, pooling: 'window-max', window: 20 }, 100), 100 * 3 * 5)
  assert.equal(headOperations({ ...trunk, n_classes: 3, words: 63 }, 100), 100 * 3 * 5 + 100 * 6 + 63 + 63 * 3)
  assert.equal(headOperations({ ...trunk, n_classes: 3, words: 63 }, 20), 20 * 3 * 5 + 20 * 6 + 63 + 20 * 3)
  // Each token is in two windows.
  assert.equal(headOperations({ ...trunk, n_classes: 3, pooling: 'window-max', window: 20, words: 63 }, 100), 100 * 3 * 5 + 100 * 6 + 2 * 100 * 3)

  const model = tiny({ vocab_size: 300 })
  const digest = `sha256-${createHash('sha256').update(model).digest('base64')}`
  const head = randomHead({ d_model: 16, vocab_size: 300 }, { n_classes: 500, words: 300, digest })
  const { memory } = await inspect(model)
  const loaded = await load(model, { headRoom: 2 ** 20, maxOperations: memory.at(-1).operations })
  const operations = 300 * 500 * 17 + 300 * 9 + 300 + 300 * 500
  await assert.rejects(loaded.attach(head), { code: 'BUDGET_TOO_SMALL', message: /takes this head 2\.7e\+6 operations/, details: { operations, limit: memory.at(-1).operations, capacity: 300 } })
  loaded.dispose()
})

test('a slice of a head has few tiles where it has many labels', () => {
  for (const n_classes of [1, 2, 100, 4096]) {
    for (const d_model of [4, 128, 4096]) {
      const tiles = tilesOfHeadSlice({ d_model, vocab_size: 300, n_classes })
      assert.ok(tiles === 1 || tiles * 48 * (d_model + 1) * n_classes <= 4e7, `${d_model} ${n_classes}: ${tiles}`)
    }
  }
})

test('a number that no model has is MODEL_CONFIG, with its name, before anything is planned for it', async () => {
  const numbers = ['vocab_size', 'n_max', 'd_model', 'n_layers', 'n_heads', 'd_ff', 'n_classes', 'k', 'stem', 'importance', 'window', 'words']
  const values = [1e9, 1e308, 2 ** 31, 2 ** 32 + 16, 2 ** 53, -1, 0.5, null, '16', [1e9, 1e9], {}]
  for (const key of numbers) {
    for (const value of values) {
      const file = withConfig(tiny(), { [key]: value }) // version 1
      for (const begin of [load, inspect]) {
        await assert.rejects(begin(file), { code: 'MODEL_CONFIG', message: new RegExp(`\\b${key}\\b`) }, `${key} ${JSON.stringify(value)}`)
      }
    }
  }
})

test('an explanation that memory cannot be meant to hold is refused with numbers', async () => {
  const classifier = await load(tiny({ n_classes: 4096 }))
  const text = 'x '.repeat(12_000)
  await assert.rejects(classifier.classify(text, { explain: true }), (error) => {
    assert.equal(error.code, 'BUDGET_TOO_SMALL')
    assert.deepEqual(error.details, { bytes: 24_000 * 4096 * 12, limit: 2 ** 28, tokens: 24_000 })
    return true
  })
  assert.equal((await classifier.classify('a text', { explain: true })).explanation.tokens.length, 6)
})

test('a slice of work has few tiles where a tile is much work, however cheap the ones before were', () => {
  const config = { d_model: 16, d_ff: 24, n_heads: 2, n_max: 2 ** 20, k: [2 ** 20, 2 ** 20], attention: 'linformer', sharing: 'layerwise', projection: 'mean' }
  for (const n of [1, 48, 300, 4800, 40_000, 2 ** 20]) {
    const tiles = tilesOfSlice(config, n)
    const operations = operationsOf(config, n) / Math.ceil(n / 48) / 2
    assert.ok(tiles === 1 || tiles * operations <= 4e7, `${n} tokens: ${tiles} tiles of ${operations}`)
  }
  assert.equal(tilesOfSlice(config, 40_000), 1)
  assert.ok(tilesOfSlice(config, 48) > 10)
})
