/**
 * Heads lie in the engine's planned memory: how much room there is, what does not fit, what becomes free; and that they say the same
 * on every backend, on threads, in a worker, and whether a document is read at once or in windows.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { inspect, load, readSafetensors, tensorValues } from 'linformer-wasm'
import { load as loadInline } from 'linformer-wasm/inline'
import { load as loadInWorker } from 'linformer-wasm/worker'
import './helpers/c-api.js' // relaxed SIMD in Node.js 20
import { tiny } from './helpers/models.js'
import { randomHead } from './helpers/random-head.js'

const FOLDER = 'tests/golden/heads'
const TRUNK = `${FOLDER}/trunk.safetensors`
const NAMES = ['mean', 'words', 'window']
const file = (name) => new Uint8Array(readFileSync(`${FOLDER}/${name}.safetensors`))
const { trunk: digest } = readSafetensors(file('mean')).metadata
const { config } = await inspect(TRUNK)

/** Bytes through which a head that is attached is handed over. */
const HANDOVER = 256 + 2 ** 14

/** A head of the trunk of tests/golden/heads that takes some bytes, and a few more. */
const headOf = (bytes, seed = 1) => randomHead(config, { words: 1, n_classes: Math.max(1, Math.floor((bytes - 5500) / 285)), digest, seed })

let trunk
before(async () => { trunk = await load(TRUNK) })
after(() => trunk.dispose())

test('the room for heads is planned: 1 MiB for a trunk, none for a model, or what is asked for', async () => {
  const planned = async (source, options) => (await inspect(source, options)).chosen
  assert.equal(trunk.memory.heads, 2 ** 20 + HANDOVER)
  assert.deepEqual(trunk.memory, await planned(TRUNK))
  const model = tiny()
  const own = await planned(model)
  assert.ok(own.heads > 0 && own.heads < 2 ** 14, String(own.heads))
  for (const source of [TRUNK, model]) {
    const [none, room] = await Promise.all([0, 300_000].map((headRoom) => planned(source, { headRoom })))
    assert.equal(room.heads - none.heads, Math.ceil(300_000 / 64) * 64 + HANDOVER - 64)
    for (const { total, static: fixed, tokenizer, weights, heads, workspace } of [none, room]) {
      const sum = fixed + tokenizer + weights + heads + workspace
      assert.ok(sum <= total && total - sum < 65536)
    }
    const loaded = await load(source, { headRoom: 300_000 })
    assert.deepEqual(loaded.memory, room)
    loaded.dispose()
  }
  // Of a budget, heads leave the documents less.
  const positions = tiny({ n_max: 50_000, k: [10, 10], positions: 'sinusoidal', projection: 'mean' })
  const [without, withRoom] = await Promise.all([0, 2 ** 20].map((headRoom) => planned(positions, { headRoom, memoryBudget: 3e6 })))
  assert.ok(withRoom.capacity < without.capacity && withRoom.total <= 3e6)
  await assert.rejects(load(model, { headRoom: 2 ** 24, memoryBudget: 2 ** 20 }), { code: 'BUDGET_TOO_SMALL', message: /headRoom of 16,777,216 among them/ })
  await assert.rejects(load(model, { headRoom: 2 ** 40 }), { code: 'BUDGET_TOO_SMALL' })
  for (const headRoom of [-1, 1.5, '1', NaN, null]) {
    await assert.rejects(load(model, { headRoom }), { code: 'BAD_ARGUMENT', message: /headRoom is .*; it has to be a whole number from 0/ })
  }
})

test('inspect tells what a head takes of the room, and exactly that is enough', async () => {
  for (const name of NAMES) {
    const { headRoom, memory } = await inspect(file(name))
    assert.deepEqual(memory, [])
    const exact = await load(TRUNK, { headRoom })
    const head = await exact.attach(file(name))
    assert.deepEqual(await head.classify('some bytes', { explain: true }), await (await trunk.attach(file(name))).classify('some bytes', { explain: true }))
    await assert.rejects(exact.attach(file(name)), { code: 'BUDGET_TOO_SMALL' })
    exact.dispose()
    const less = await load(TRUNK, { headRoom: headRoom - 64 })
    await assert.rejects(less.attach(file(name)), (error) => {
      assert.equal(error.code, 'BUDGET_TOO_SMALL')
      const [needed, room] = [headRoom, headRoom - 64].map((bytes) => bytes.toLocaleString('en-US'))
      assert.equal(error.message, `this head takes ${needed} bytes, and headRoom is ${room}: load the trunk with a larger headRoom`)
      assert.deepEqual(error.details, { needed: headRoom, headRoom: headRoom - 64, free: headRoom - 64 })
      return true
    })
    less.dispose()
  }
  assert.equal((await inspect(TRUNK)).headRoom, undefined)
})

test('heads come and go: what one leaves is the next one\'s, and no memory is asked for', async () => {
  const loaded = await load(TRUNK, { headRoom: 100_000 })
  const total = loaded.memory.total
  const expected = new Map()
  let attached = []
  let refused = 0
  for (let round = 0; round < 120; round++) {
    const seed = round % 7
    const size = [6000, 9000, 20_000, 45_000][round % 4]
    try {
      attached.push({ key: `${size} ${seed}`, head: await loaded.attach(headOf(size, seed)) })
    } catch (error) {
      assert.equal(error.code, 'BUDGET_TOO_SMALL')
      refused++
      const [gone] = attached.splice((round * 5) % attached.length, 1)
      gone.head.dispose()
    }
    // None has been written over by another.
    const results = await loaded.classify('a few bytes', { heads: attached.map(({ head }) => head) })
    for (const [i, { key }] of attached.entries()) {
      if (!expected.has(key)) expected.set(key, results[i])
      assert.deepEqual(results[i], expected.get(key))
    }
  }
  assert.ok(refused > 10 && refused < 110, String(refused))
  assert.equal(loaded.memory.total, total)
  for (const { head } of attached) head.dispose()
  const { headRoom } = await inspect(headOf(90_000))
  assert.ok(headRoom > 80_000 && headRoom < 100_000)
  await loaded.attach(headOf(90_000)) // all of it is in one piece again
  await assert.rejects(loaded.attach(headOf(20_000)), { code: 'BUDGET_TOO_SMALL', message: /of which [\d,]+ are free in one piece: .* or dispose of heads that are not needed/ })
  loaded.dispose()
})

test('a head that is refused, or aborted on its way, takes no room', async () => {
  const { headRoom } = await inspect(file('words'))
  const loaded = await load(TRUNK, { headRoom })
  const broken = file('words')
  readSafetensors(broken).tensors.get('words.weight').data.set([0, 0, 0xc0, 0x7f]) // a view of the file
  for (let i = 0; i < 3; i++) {
    await assert.rejects(loaded.attach(broken), { code: 'MODEL_TENSOR', message: /tensor words\.weight has a value that is not a finite number/ })
    const controller = new AbortController()
    const attaching = loaded.attach(file('words'), { signal: controller.signal })
    controller.abort()
    await assert.rejects(attaching, { code: 'ABORTED' })
  }
  const head = await loaded.attach(file('words'))
  assert.equal((await head.classify('x')).tokens, 1)
  loaded.dispose()
})

test('a head that is disposed of while it reads: DISPOSED, and the others go on', async () => {
  const long = { tokens: Uint16Array.from({ length: 200_000 }, (_, i) => i % 257) }
  const [a, b] = await Promise.all([trunk.attach(file('mean')), trunk.attach(file('words'))])
  const expected = await b.classify('after it')
  let begun
  const started = new Promise((resolve) => { begun = resolve })
  const onProgress = ({ phase, window }) => { if (phase === 'encode' && window === 3) begun() }
  const reading = assert.rejects(trunk.classify(long, { heads: [a, b], onProgress }), { code: 'DISPOSED' })
  const waiting = assert.rejects(a.classify('x'), { code: 'DISPOSED' })
  await started
  a.dispose()
  const other = await trunk.attach(file('window')) // takes its place at once
  await Promise.all([reading, waiting])
  assert.deepEqual(await b.classify('after it'), expected)
  assert.equal((await other.classify('x')).tokens, 1)
  other.dispose()
  b.dispose()
})

test('a head that is asked twice on one reading answers twice', async () => {
  const head = await trunk.attach(file('words'))
  const long = { tokens: Uint16Array.from({ length: 500 }, (_, i) => i % 200) }
  const [a, b] = await trunk.classify(long, { heads: [head, head], explain: true })
  assert.deepEqual(a, b)
  assert.deepEqual(a, await head.classify(long, { explain: true }))
  head.dispose()
})

const golden = JSON.parse(readFileSync(`${FOLDER}/golden.json`, 'utf8'))

const hosts = {
  simd128: [load, { backend: 'simd128' }],
  relaxed: [load, { backend: 'relaxed' }],
  'three threads': [load, { threads: 3 }],
  'linformer-wasm/inline': [loadInline, {}],
  'a worker with two threads': [loadInWorker, { threads: 2 }]
}
for (const [host, [loader, options]] of Object.entries(hosts)) {
  test(`attached heads have the numbers of PyTorch: ${host}`, async () => {
    const loaded = await loader(TRUNK, options)
    const heads = await Promise.all(NAMES.map((name) => loaded.attach(file(name))))
    for (const document of golden) {
      const results = await loaded.classify({ tokens: Uint16Array.from(document.ids) }, { heads, explain: true })
      for (const [i, name] of NAMES.entries()) {
        const { logits, contributions } = document.heads[name]
        const { explanation } = results[i]
        // PyTorch sums floats of 32 bits in another order: of values beyond 1 it is a share.
        const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 2e-5 * Math.max(1, Math.abs(expected)), `${name}: ${actual}, not ${expected}`)
        logits.forEach((logit, c) => near(explanation.logits[c], logit))
        const shares = explanation.tokens.flatMap((token) => token.contributions)
        contributions.flat().forEach((share, j) => near(shares[j] * document.ids.length, share))
      }
    }
    loaded.dispose()
  })
}

/**
 * The word head by its definition: v_i = sqrt(count_i) idf_i, of length 1, times its weights.
 *
 * @param {Uint8Array} head
 * @param {Uint16Array | Uint32Array} tokens
 * @returns {{ logits: number[], share: (id: number, c: number) => number }} and what one occurrence of a token adds to a logit
 */
function wordHead(head, tokens) {
  const { tensors } = readSafetensors(head)
  const [ids, idf, weight] = ['ids', 'idf', 'weight'].map((part) => [...tensorValues(tensors, `words.${part}`)])
  const found = new Map()
  for (const token of tokens) found.set(token, (found.get(token) ?? 0) + 1)
  const counts = ids.map((id) => found.get(id) ?? 0)
  const v = counts.map((count, i) => Math.sqrt(count) * idf[i])
  const length = Math.hypot(...v)
  const classes = weight.length / ids.length
  const logits = Array.from({ length: classes }, (_, c) => v.reduce((sum, value, i) => sum + value / length * weight[i * classes + c], 0))
  const share = (id, c) => {
    const i = ids.indexOf(id)
    return i === -1 ? 0 : v[i] / length * weight[i * classes + c] / counts[i]
  }
  return { logits, share }
}

test('a document in windows: means are over all tokens, words are of all of it, and the largest window counts', async () => {
  const small = await load(TRUNK, { maxTokens: 70 })
  const heads = await Promise.all(NAMES.map((name) => small.attach(file(name))))
  const bias = NAMES.map((name) => [...tensorValues(readSafetensors(file(name)).tensors, 'head.bias')])
  const tokens = Uint16Array.from({ length: 333 }, (_, i) => (i * i * 31 + i) % 257)
  const whole = await small.classify({ tokens }, { heads, explain: true })
  const count = Math.ceil(333 / 70)
  assert.deepEqual(whole.map(({ windows }) => windows), [count, count, count])
  const parts = []
  for (let window = 0; window < count; window++) {
    const [from, to] = [window, window + 1].map((each) => Math.floor(each * 333 / count))
    const part = tokens.slice(from, to)
    parts.push({ from, to, part, results: await small.classify({ tokens: part }, { heads, explain: true }) })
  }
  // Floats of 32 bits are added up here that the engine adds up in 64 bits and rounds once.
  const near = (actual, expected, what) => assert.ok(Math.abs(actual - expected) < 1e-5, `${what}: ${actual}, not ${expected}`)
  for (const [i, name] of NAMES.entries()) {
    // With window-max the words are the window's own, and go where it goes.
    const ofWords = (ids) => name === 'words' ? wordHead(file(name), ids) : { logits: [0, 0, 0], share: () => 0 }
    const words = ofWords(tokens)
    const { logits, bias: rest, tokens: shares } = whole[i].explanation
    for (let c = 0; c < 3; c++) {
      const dense = parts.map(({ part, results }) => results[i].explanation.logits[c] - ofWords(part).logits[c])
      const mean = parts.reduce((sum, { from, to }, j) => sum + dense[j] * (to - from) / 333, 0)
      near(logits[c], (name === 'window' ? Math.max(...dense) : mean) + words.logits[c], name)
      // Each share is a float of 32 bits, and there are 333 of them.
      near(rest[c], bias[i][c], `what is left of ${name}`)
      near(shares.reduce((sum, { contributions }) => sum + contributions[c], bias[i][c]), logits[c], `sum of ${name}`)
      const best = dense.indexOf(Math.max(...dense))
      for (const [j, { from, part, results }] of parts.entries()) {
        const own = ofWords(part)
        // With window-max only the window that decides has shares.
        const factor = name === 'window' ? Number(j === best) : part.length / 333
        for (const [t, id] of part.entries()) {
          const share = results[i].explanation.tokens[t].contributions[c] - own.share(id, c)
          near(shares[from + t].contributions[c], share * factor + words.share(id, c), `share of token ${from + t} in ${name}`)
        }
      }
    }
  }
  small.dispose()
})

test('a large word head is handed over in pieces, and added up in slices', async () => {
  const vocab = 50_000
  const model = tiny({ vocab_size: vocab, n_classes: 2 })
  const loaded = await load(model, { headRoom: 4e6 })
  const { createHash } = await import('node:crypto')
  const own = `sha256-${createHash('sha256').update(model).digest('base64')}`
  for (const dtype of ['F32', 'F16', 'I8']) {
    const head = randomHead({ d_model: 16, vocab_size: vocab }, { words: vocab, n_classes: 3, dtype, digest: own })
    const dense = randomHead({ d_model: 16, vocab_size: vocab }, { n_classes: 3, digest: own })
    const attached = await Promise.all([head, dense].map((each) => loaded.attach(each)))
    const tokens = Uint32Array.from({ length: 5000 }, (_, i) => (i * 7919 * 7919) % vocab)
    const [a, b] = await loaded.classify({ tokens }, { heads: attached, explain: 'passages' })
    const { logits } = wordHead(head, tokens)
    a.explanation.logits.forEach((logit, c) => {
      const difference = logit - b.explanation.logits[c]
      assert.ok(Math.abs(difference - logits[c]) < 1e-5, `${dtype} ${c}: ${difference}, not ${logits[c]}`)
    })
    for (const each of attached) each.dispose()
  }
  loaded.dispose()
})

test('in a worker, a head that is aborted when it is there leaves its room', async (t) => {
  const bytes = headOf(100_000)
  const { headRoom } = await inspect(bytes)
  const worker = new Worker(new URL('../../wasm/worker-host-node.js', import.meta.url))
  const controllers = Array.from({ length: 3 }, () => new AbortController())
  let at = 0
  // Before the library hears of it.
  worker.on('message', ({ value }) => { if (value?.number) controllers[at]?.abort() })
  const there = await loadInWorker(TRUNK, { headRoom, worker })
  t.after(() => there.dispose())
  for (; at < controllers.length; at++) await assert.rejects(there.attach(bytes, { signal: controllers[at].signal }), { code: 'ABORTED' })
  const head = await there.attach(bytes)
  await assert.rejects(there.attach(bytes), { code: 'BUDGET_TOO_SMALL' })
  assert.equal((await head.classify('x')).tokens, 1)
})
