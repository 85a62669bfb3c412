/**
 * Model files made to do harm: a LinformerError, memory bounded before anything is allocated, no crash and no hang.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { inspect, load, LinformerError, readSafetensors, writeSafetensors } from 'linformer-wasm'
import { parseModel } from '../../wasm/source/model.js'
import { tensorBytes, tiny, withConfig, withHeader } from './helpers/models.js'

const MODEL_CODES = ['MODEL_TRUNCATED', 'MODEL_FORMAT', 'MODEL_CONFIG', 'MODEL_TENSOR']
const small = { n_max: 24, d_model: 4, n_layers: 2, n_heads: 2, d_ff: 4, n_classes: 2, k: [4, 2] }
const module = new WebAssembly.Module(readFileSync('wasm/dist/linformer-simd128.wasm'))
const quick = { wasm: module, backend: 'simd128' }

const headerLength = (file) => Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))

/** The error of a parse that has to fail with one of the model's codes. */
function refusal(file) {
  try {
    parseModel(file, 'the file')
  } catch (error) {
    assert.ok(error instanceof LinformerError && MODEL_CODES.includes(error.code), String(error?.stack ?? error))
    return error
  }
  return assert.fail('this file was taken')
}

for (const options of [{}, { threads: 2, precision: 'int8' }]) {
  test(`1,000 broken head files, attached to one trunk ${JSON.stringify(options)}: refused, or a head that works, and the others are as before`, async () => {
    const folder = 'tests/golden/heads'
    const files = ['mean', 'words', 'window'].map((name) => readFileSync(`${folder}/${name}.safetensors`))
    let state = 1
    const random = (n) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor(state / 2 ** 32 * n)
    }
    const pick = (values) => values[random(values.length)]
    const changed = (file, change) => {
      const { metadata, tensors } = readSafetensors(file)
      change(metadata, tensors)
      return writeSafetensors(tensors, metadata)
    }
    const breakers = [
      (file) => { for (let i = 0; i < 4; i++) file[random(file.length)] = random(256); return file },
      (file) => file.slice(0, random(file.length)),
      (file) => changed(file, (_, tensors) => {
        const tensor = pick([...tensors.values()])
        tensor.data = Uint8Array.from(tensor.data)
        for (let i = 0; i < 8; i++) tensor.data[random(tensor.data.length)] = pick([0x7f, 0xff, 0x80, 0])
      }),
      (file) => changed(file, (metadata) => {
        const config = JSON.parse(metadata.config)
        config[pick([...Object.keys(config), 'stem', 'k'])] = pick([0, 1, 2, 3, 257, 1e9, -1, 'x', null, [1], 2 ** 20])
        metadata.config = JSON.stringify(config)
      })
    ]
    const trunk = await load(`${folder}/trunk.safetensors`, options)
    const good = await trunk.attach(files[1])
    const before = await good.classify('some bytes', { explain: true })
    const codes = new Set()
    for (let round = 0; round < 1000; round++) {
      const file = breakers[round % 4](Uint8Array.from(files[round % 3]))
      try {
        const head = await trunk.attach(file)
        try {
          const { logits, bias, tokens } = (await head.classify('some bytes', { explain: true })).explanation
          assert.ok([logits, bias, ...tokens.map(({ contributions }) => contributions)].flat().every(Number.isFinite))
          codes.add('works')
        } finally {
          head.dispose()
        }
      } catch (error) {
        assert.ok(error instanceof LinformerError && [...MODEL_CODES, 'BUDGET_TOO_SMALL', 'NOT_FINITE'].includes(error.code), String(error?.stack ?? error))
        codes.add(error.code)
      }
    }
    assert.ok(['works', ...MODEL_CODES, 'NOT_FINITE'].every((code) => codes.has(code)), [...codes].join(', '))
    assert.deepEqual(await good.classify('some bytes', { explain: true }), before)
    trunk.dispose()
  })
}

test('every single bit of the header and config flipped: refused, or a model that works', async (t) => {
  for (const [dtype, changes, step] of [['F32', {}, 1], ['I8', { sharing: 'none', projection: 'conv', k: [4, 6] }, 7]]) {
    const file = tiny({ ...small, ...changes }, { dtype })
    const survivors = []
    for (let bit = 0; bit < 8 * (8 + headerLength(file)); bit += step) {
      file[bit >> 3] ^= 1 << (bit & 7)
      try {
        parseModel(file, 'the file')
        survivors.push(bit)
      } catch (error) {
        assert.ok(error instanceof LinformerError && MODEL_CODES.includes(error.code), `bit ${bit}: ${error?.stack ?? error}`)
      }
      file[bit >> 3] ^= 1 << (bit & 7)
    }
    // What is left changes a description, or a number that fits as well: a label, lowercase, the licence.
    for (const bit of survivors) {
      const flipped = file.slice()
      flipped[bit >> 3] ^= 1 << (bit & 7)
      const classifier = await load(flipped, quick)
      const { label, score } = await classifier.classify('Some text.')
      assert.ok(classifier.labels.includes(label) && score > 0 && score <= 1, `bit ${bit}`)
    }
    t.diagnostic(`${dtype}: ${8 * (8 + headerLength(file))} bits in steps of ${step}, ${survivors.length} leave a model`)
  }
})

test('with integrity, no flipped bit and no truncation passes', async () => {
  const file = tiny(small)
  const integrity = `sha256-${createHash('sha256').update(file).digest('base64')}`
  await load(file, { ...quick, integrity })
  for (let byte = 0; byte < file.length; byte += 7) {
    file[byte] ^= 1 << byte % 8
    await assert.rejects(load(file, { ...quick, integrity }), { code: 'INTEGRITY' })
    file[byte] ^= 1 << byte % 8
    await assert.rejects(load(file.subarray(0, byte), { ...quick, integrity }), { code: 'INTEGRITY' })
  }
})

test('a header that says it is huge is refused before it is read', () => {
  const file = new Uint8Array(64)
  for (const size of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n + 1n, 2n ** 32n, 100n * 2n ** 20n, 4n * 2n ** 20n + 1n]) {
    new DataView(file.buffer).setBigUint64(0, size, true)
    const { code, message } = refusal(file)
    assert.equal(code, 'MODEL_FORMAT')
    assert.match(message, /2 to 4194304 are possible/)
  }
  new DataView(file.buffer).setBigUint64(0, 4n * 2n ** 20n, true)
  assert.equal(refusal(file).code, 'MODEL_TRUNCATED')
})

test('100 MB of header is refused, 4 MB of it in any shape too, in time', { timeout: 60_000 }, () => {
  const withText = (text) => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
    const file = new Uint8Array(8 + bytes.length)
    new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true)
    file.set(bytes, 8)
    return file
  }
  const most = 4 * 2 ** 20
  assert.match(refusal(withText(new Uint8Array(100 * 2 ** 20).fill(0x20))).message, /header has 104857600 bytes/)
  const entry = '"t00000":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
  const shapes = {
    'spaces': ' '.repeat(most), 'brackets': '['.repeat(most), 'nested': `${'['.repeat(most / 2)}${']'.repeat(most / 2)}`,
    'nested shape': `{"t":{"dtype":"U8","shape":${'['.repeat(1e6)}${']'.repeat(1e6)},"data_offsets":[0,0]}}`,
    'long shape': `{"t":{"dtype":"U8","shape":[${'1,'.repeat(2e6)}1],"data_offsets":[0,2]}}`,
    'long name': `{"${'n'.repeat(most - 100)}":{"dtype":"?"}}`, 'not UTF-8': new Uint8Array(most).fill(0xff),
    'metadata': `{"__metadata__":{"format":"${'f'.repeat(most - 100)}"}}`,
    'entries': `{${entry.repeat(100000).replace(/00000/g, () => Math.random().toString(36).slice(2, 7))}"z":{}}`
  }
  for (const [kind, text] of Object.entries(shapes)) {
    const started = performance.now()
    const error = refusal(withText(text))
    assert.ok(error.message.length < 1000, `${kind}: a message of ${error.message.length} characters`)
    assert.ok(performance.now() - started < 15_000, `${kind}: ${performance.now() - started} ms`)
  }
})

test('numbers that are no sizes, anywhere in a tensor', () => {
  const file = tiny(small)
  for (const bad of ['-1', '-0.5', '1e400', '1.5', '9007199254740993', '18446744073709551616', '"4"', 'null', 'true', '[]', '{}', '[[4]]']) {
    for (const place of ['"shape":[4', '"data_offsets":[0']) {
      const [key] = place.split('[')
      const header = withHeader(file, (h) => JSON.stringify(h).replace(place, `${key}[${bad}`))
      assert.ok(MODEL_CODES.includes(refusal(header).code), `${place} ${bad}`)
    }
  }
})

test('ranges that overlap, leave holes or leave the file', () => {
  const file = tiny(small)
  const names = Object.keys(JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerLength(file))))).filter((name) => name !== '__metadata__')
  for (const name of names) {
    for (const [from, to] of [[-4, 0], [4, 4], [1, 1], [0, 4], [0, -4], [2 ** 31, 2 ** 31], [2 ** 52, 2 ** 52], [-(2 ** 40), 0]]) {
      const { code } = refusal(withHeader(file, (h) => {
        h[name].data_offsets = [h[name].data_offsets[0] + from, h[name].data_offsets[1] + to]
      }))
      assert.equal(code, 'MODEL_TENSOR', name)
    }
    if (tensorBytes(file, name).length === 0) continue
    assert.equal(refusal(withHeader(file, (h) => { h[`${name}.again`] = h[name] })).code, 'MODEL_TENSOR', `${name} twice`)
  }
})

test('names that mean something to JavaScript are names like others', async () => {
  const file = tiny(small)
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    const header = withHeader(file, (h) => JSON.stringify(h).replace('"norm.bias"', `"${name}"`))
    assert.match(refusal(header).message, /norm\.bias.*missing/)
    const odd = withHeader(file, (h) => JSON.stringify(h).replace('"__metadata__":{', `"__metadata__":{"${name}":"x",`))
    const { metadata } = await inspect(odd, quick)
    assert.equal(Object.getOwnPropertyDescriptor(metadata, name)?.value, 'x')
    assert.equal({}.x, undefined)
    const polluted = withHeader(file, (h) => { h.__metadata__.config = h.__metadata__.config.replace('{', `{"${name}":{"n_max":1},`) })
    assert.equal((await load(polluted, quick)).config.n_max, small.n_max)
  }
  assert.equal(Object.prototype.n_max, undefined)
})

test('NaN and infinities in any tensor', async () => {
  for (const [dtype, patterns] of [['F32', [0x7f800000, 0xff800000, 0x7fc00000, 0xffffffff]], ['F16', [0x7c00, 0xfc00, 0x7e00, 0xffff]]]) {
    const clean = tiny(small, { dtype })
    const header = JSON.parse(new TextDecoder().decode(clean.subarray(8, 8 + headerLength(clean))))
    const names = Object.keys(header).filter((name) => header[name].dtype === dtype)
    assert.ok(names.length > 3)
    for (const [i, name] of names.entries()) {
      const file = clean.slice()
      const data = tensorBytes(file, name)
      const width = dtype === 'F32' ? 4 : 2
      const at = data.length - width // the last value, and the pattern changes from tensor to tensor
      const bits = patterns[i % patterns.length]
      for (let byte = 0; byte < width; byte++) data[at + byte] = bits >>> (8 * byte)
      await assert.rejects(load(file, quick), (error) => error.code === 'MODEL_TENSOR' && error.message.includes(`${name} has a value that is not a finite number`))
    }
  }
})

test('no model gets more memory than the budget, and none is made for a model that is refused', async (t) => {
  const pages = []
  const { Memory } = WebAssembly
  WebAssembly.Memory = class extends Memory {
    constructor(limits) {
      pages.push(limits)
      super(limits)
    }
  }
  t.after(() => { WebAssembly.Memory = Memory })
  const budget = 2 ** 20
  const greedy = [
    { n_max: 2 ** 20, k: [1, 1], projection: 'mean', positions: 'sinusoidal' },
    { n_max: 2 ** 20, attention: 'full', positions: 'sinusoidal' },
    { n_max: 2 ** 20, k: [2 ** 20, 2 ** 20], projection: 'max', positions: 'sinusoidal' },
    { n_max: 2 ** 20, k: [2 ** 19, 1], projection: 'max', positions: 'sinusoidal', n_classes: 4096 }
  ]
  for (const changes of greedy) {
    const file = tiny({ ...small, ...changes })
    try {
      const { memory } = await load(file, { ...quick, memoryBudget: budget })
      assert.ok(memory.total <= budget)
    } catch (error) {
      assert.equal(error.code, 'BUDGET_TOO_SMALL')
      assert.ok(error.details.needed > budget)
    }
  }
  for (const { initial, maximum } of pages) assert.ok(initial === maximum && initial * 65536 <= budget)
  pages.length = 0
  await assert.rejects(load(withConfig(tiny(small), { n_max: 2 ** 20 }), quick), { code: 'MODEL_TENSOR' })
  await assert.rejects(load(withConfig(tiny(small), { d_model: 4096, d_ff: 16384 }), quick), { code: 'MODEL_TENSOR' })
  assert.deepEqual(pages, [])
})
