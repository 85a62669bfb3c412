/**
 * Memory is planned, never discovered: what the plan says is what is used, for hundreds of configurations.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { Engine, plannerFor } from '../../wasm/engine/instance.js'
import { parseFile, parseModel } from '../../wasm/source/model.js'
import { withSharedMemory } from '../../wasm/engine/threads.js'
import { asTrunk, randomHead } from './helpers/random-head.js'
import { randomModel } from './helpers/random-model.js'
import { tiny } from './helpers/models.js'

const PAGE = 65536
const bytes = readFileSync('wasm/dist/linformer-simd128.wasm')
const module = new WebAssembly.Module(bytes)
const sharedModule = new WebAssembly.Module(withSharedMemory(bytes))

let state = 7
const random = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return (state >>> 8) % n
}
const pick = (...values) => values[random(values.length)]

/** A random shape, and a dtype for its matrices. */
function randomShape() {
  const nHeads = 1 + random(4)
  const nLayers = 1 + random(3)
  const attention = pick('linformer', 'linformer', 'linformer', 'full')
  const sharing = pick('none', 'headwise', 'key-value', 'layerwise')
  const projection = pick('linear', 'mean', 'max', 'conv')
  const segments = projection !== 'linear'
  const nMax = segments ? 12 * (1 + random(20)) : 1 + random(250)
  const k = Array.from({ length: nLayers }, () => segments ? pick(1, 2, 3, 4, 6, 12) : 1 + random(nMax))
  if (projection === 'conv' && sharing === 'layerwise') k.fill(k[0])
  return [{
    vocab_size: 257 + random(30), n_max: nMax, d_model: nHeads * (1 + random(12)), n_layers: nLayers, n_heads: nHeads,
    d_ff: 1 + random(50), n_classes: 1 + random(9), k, attention, sharing, projection, positions: pick('learned', 'sinusoidal')
  }, pick('F32', 'F16', 'I8')]
}

/** A head that fits a trunk of this shape. */
function someHead({ d_model, vocab_size }, seed) {
  const pooling = pick('mean', 'window-max')
  const parts = {
    n_classes: 1 + random(9), pooling, window: pooling === 'mean' ? undefined : 2 * (1 + random(40)),
    words: pick(0, 1, 100, vocab_size), dtype: pick('F32', 'F16', 'I8'), seed
  }
  return parseFile(randomHead({ d_model, vocab_size }, parts), 'head').head
}

test('400 random configurations: the plan is what is used, and nothing beyond it is touched', async () => {
  const kinds = new Set()
  for (let round = 0; round < 400; round++) {
    const [shape, dtype] = randomShape()
    const file = randomModel(shape, { dtype, seed: round + 1 })
    const model = parseModel(random(4) === 0 ? asTrunk(file) : file, 'random')
    const headRoom = pick(undefined, 0, 100_001, 200_000)
    const most = Math.min(shape.n_max, 1 + random(shape.n_max))
    const arithmetic = { precision: pick('float32', 'int8'), threads: pick(1, 1, 2, 5) }
    const engine = new Engine(arithmetic.threads > 1 ? sharedModule : module, model, arithmetic, { maxTokens: most, headRoom })
    const { total, workspace, capacity, ...parts } = engine.memoryReport
    const planned = plannerFor(arithmetic.threads > 1 ? sharedModule : module, model, arithmetic, { headRoom })(capacity)
    assert.deepEqual(engine.memoryReport, { ...planned.report, budget: undefined })
    assert.equal(capacity, most)
    assert.equal(engine.buffer.byteLength, total)
    const end = parts.static + parts.tokenizer + parts.weights + parts.heads + workspace
    assert.ok(end <= total && total - end < PAGE, `${JSON.stringify(shape)}: ${end} bytes in ${total}`)

    const beyond = new Uint8Array(engine.buffer, end)
    beyond.fill(0xa5)
    const own = await engine.loadWeights(model, async () => {}, () => {})
    const heads = own === undefined ? [] : [own]
    if ((headRoom ?? (own === undefined ? 1 : 0)) > 0) heads.push(await engine.placeHead(someHead(shape, round), async () => {}))
    const ids = Int32Array.from({ length: capacity }, () => random(shape.vocab_size))
    const readings = heads.map((head) => engine.beginHead(head, capacity, round % 2 === 0))
    await engine.encode(ids, async () => {}, () => {})
    for (const reading of readings) await reading.next(capacity, async () => {})
    for (const reading of readings) {
      const { logits, contributions } = await reading.finish(ids, async () => {})
      assert.ok(logits.every(Number.isFinite), JSON.stringify(shape))
      assert.equal(contributions?.length, round % 2 === 0 ? capacity * logits.length : undefined)
    }
    assert.ok(beyond.every((byte) => byte === 0xa5), `${JSON.stringify(shape)}: bytes beyond the plan were written`)
    assert.equal(engine.buffer.byteLength, total)
    kinds.add(shape.attention === 'full' ? 'full' : `${shape.sharing} ${shape.projection}`)
  }
  assert.equal(kinds.size, 17)
})

test('memory beyond 2 GiB, where pointers are negative as an i32, works as any other', async () => {
  const bytes = tiny()
  const low = await load(bytes)
  const high = await load(bytes, { headRoom: 2 ** 31 + 2 ** 16 }) // mostly never touched, and so never there
  assert.ok(high.memory.total > 2 ** 31)
  assert.deepEqual(await high.classify('some text', { explain: true }), await low.classify('some text', { explain: true }))
  assert.deepEqual(await high.embed('some text'), await low.embed('some text'))
  high.dispose()
  low.dispose()
})

test('a budget gives the largest capacity that fits in it', async () => {
  const bytes = tiny({ n_max: 5000, k: [4, 4], positions: 'sinusoidal' })
  const model = parseModel(bytes, 'tiny')
  const planFor = plannerFor(module, model, { precision: 'float32', threads: 1 })
  for (let pages = planFor(64).pages; pages <= planFor(5000).pages; pages += 3) {
    const budget = pages * PAGE + random(PAGE)
    const { memory } = await load(bytes, { memoryBudget: budget })
    assert.ok(memory.total <= budget)
    assert.equal(memory.budget, budget)
    if (memory.capacity < 5000) assert.ok(planFor(memory.capacity + 1).report.total > budget)
  }
})

test('exactly the planned size is enough, and one byte less plans for fewer tokens', async () => {
  const bytes = tiny({ n_max: 5000, k: [4, 4], positions: 'sinusoidal' })
  const { memory } = await load(bytes, { maxTokens: 3000 })
  const same = await load(bytes, { memoryBudget: memory.total })
  assert.equal(same.memory.total, memory.total)
  assert.ok(same.memory.capacity >= 3000)
  const less = await load(bytes, { memoryBudget: memory.total - 1 })
  assert.ok(less.memory.capacity < 3000)
  assert.ok(less.memory.total < memory.total)
  const text = 'x'.repeat(5000)
  assert.equal((await less.classify(text)).tokensUsed, 5000)
})

test('memory grows linearly with the capacity', async () => {
  const model = parseModel(tiny({ n_max: 100000, k: [64, 64] }), 'tiny')
  const planFor = plannerFor(module, model, { precision: 'float32', threads: 1 })
  const workspace = (capacity) => planFor(capacity).report.workspace
  const perToken = (workspace(100000) - workspace(50000)) / 50000
  for (const capacity of [60000, 75000, 99999]) {
    assert.ok(Math.abs(workspace(capacity) - workspace(50000) - perToken * (capacity - 50000)) < 1024)
  }
})
