/**
 * Work and memory that a model from a stranger may ask for: told before, and refused with numbers where no one can have
 * meant it.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { inspect, load } from 'linformer-wasm'
import { operationsOf, tilesOfSlice } from '../../wasm/engine/cost.js'
import { tiny } from './helpers/models.js'

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
