/**
 * Random damage to model files and random calls of the API. Whatever comes in, a LinformerError or a sound result comes
 * out. FUZZ_SECONDS: of the processor, for each test (default 8); FUZZ_SEED: where to start, as a failure reports it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { load, LinformerError } from 'linformer-wasm'
import { parseModel } from '../../wasm/source/model.js'
import { ANY_VALUES, JSON_VALUES, Random, TEXTS } from '../fuzz/values.js'
import { tiny } from './helpers/models.js'

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 8)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const MODEL_CODES = ['MODEL_TRUNCATED', 'MODEL_FORMAT', 'MODEL_CONFIG', 'MODEL_TENSOR', 'BUDGET_TOO_SMALL', 'OUT_OF_MEMORY']
const LONGEST_MESSAGE = 20000

const module = new WebAssembly.Module(readFileSync('wasm/dist/linformer-simd128.wasm'))

/** Seconds of the processor that this process has taken: a busy machine tries as much as an idle one. */
const spent = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6

/** Calls `once` with new random numbers until the time is over. A failure names the seed that shows it again. */
async function repeat(t, once) {
  const end = spent() + SECONDS
  const counts = {}
  let executions = 0
  for (let seed = SEED; spent() < end; seed++) {
    try {
      const outcome = await once(new Random(seed * 2654435761))
      counts[outcome] = (counts[outcome] ?? 0) + 1
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed} shows it again: ${error?.stack ?? error}`, { cause: error })
    }
    executions++
  }
  t.diagnostic(`${executions} executions: ${JSON.stringify(counts)}`)
}

const small = { n_max: 24, d_model: 4, n_layers: 2, n_heads: 2, d_ff: 4, n_classes: 2, k: [4, 2] }
const FILES = [
  tiny(small), tiny({ ...small, sharing: 'none', positions: 'sinusoidal' }, { dtype: 'F16' }), tiny({ ...small, sharing: 'headwise' }, { dtype: 'I8' }),
  tiny({ ...small, attention: 'full' }), tiny({ ...small, sharing: 'key-value', projection: 'conv', k: [4, 6] }), tiny({ ...small, projection: 'mean' })
].map((bytes) => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  return { header: new TextDecoder().decode(bytes.subarray(8, 8 + length)), data: bytes.subarray(8 + length) }
})

/** A random place in a tree of objects and arrays: its holder and key. */
function placeIn(tree, random) {
  let holder = tree
  for (;;) {
    const keys = Object.keys(holder)
    if (keys.length === 0) return { holder, key: 'new' }
    const key = random.pick(keys)
    const value = holder[key]
    if (typeof value !== 'object' || value === null || random.below(4) === 0) return { holder, key }
    holder = value
  }
}

/** Changes one thing in the parsed header. */
function damage(header, random) {
  const part = random.pick(['config', 'tokenizer', 'labels', 'any', 'any'])
  const inner = part !== 'any' && typeof header.__metadata__?.[part] === 'string'
  let tree = header
  if (inner) {
    try {
      tree = { value: JSON.parse(header.__metadata__[part]) }
    } catch {
      return
    }
  }
  const { holder, key } = placeIn(tree, random)
  switch (random.below(5)) {
    case 0: delete holder[key]; break
    case 1: { // two values change places
      const other = placeIn(tree, random)
      ;[holder[key], other.holder[other.key]] = [other.holder[other.key], holder[key]]
      break
    }
    case 2: if (typeof holder[key] === 'number') holder[key] += random.pick([-1, 1, 256, 2 ** 31, 2 ** 32]); break
    default: holder[key] = random.pick(JSON_VALUES)
  }
  if (inner && tree.value !== undefined) {
    try {
      header.__metadata__[part] = JSON.stringify(tree.value)
    } catch { /* a place that was put into itself */ }
  }
}

/** A model file with something wrong, or nothing. */
function damagedFile(random) {
  const { header: text, data } = random.pick(FILES)
  let header = text
  if (random.below(3) > 0) {
    const tree = JSON.parse(text)
    for (let n = 1 + random.below(3); n > 0; n--) damage(tree, random)
    try {
      header = JSON.stringify(tree)
    } catch {
      return undefined
    }
  }
  if (random.below(8) === 0) { // a name twice
    const names = Object.keys(JSON.parse(text))
    header = header.replace(JSON.stringify(random.pick(names)), JSON.stringify(random.pick(names)))
  }
  const bytes = new TextEncoder().encode(header)
  const file = new Uint8Array(8 + bytes.length + data.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true)
  file.set(bytes, 8)
  file.set(data, 8 + bytes.length)
  if (random.below(4) === 0) for (let n = 1 + random.below(4); n > 0; n--) file[random.below(file.length)] ^= 1 << random.below(8)
  if (random.below(16) === 0) file.set([random.below(256), random.below(256), random.below(256)], random.below(6))
  if (random.below(16) === 0) return file.subarray(0, random.below(file.length))
  return file
}

function soundError(error, codes) {
  assert.ok(error instanceof LinformerError, `not a LinformerError: ${error?.stack ?? error}`)
  assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`)
  assert.ok(error.message.length < LONGEST_MESSAGE, `a message of ${error.message.length} characters`)
  return error.code
}

function soundResult(result, labels) {
  assert.ok(labels.includes(result.label))
  const sum = result.scores.reduce((total, { score }) => total + score, 0)
  assert.ok(result.scores.every(({ score }) => score >= 0 && score <= 1) && sum <= 1 + 1e-9, JSON.stringify(result))
  assert.equal(result.score, result.scores[0].score)
}

test('a damaged model file is refused, or is a model', async (t) => {
  await repeat(t, async (random) => {
    const file = damagedFile(random)
    if (file === undefined) return 'skipped'
    try {
      parseModel(file, 'the file')
    } catch (error) {
      return soundError(error, MODEL_CODES)
    }
    let classifier
    try {
      classifier = await load(file, { wasm: module, backend: 'simd128' })
    } catch (error) {
      return soundError(error, MODEL_CODES)
    }
    try {
      soundResult(await classifier.classify('A text of some words.'), classifier.labels)
    } catch (error) {
      return soundError(error, ['NOT_FINITE', 'EMPTY_TEXT'])
    }
    return 'classified'
  })
})

test('any call of the API rejects with a LinformerError or gives a result', async (t) => {
  const classifier = await load(tiny(small), { wasm: module, backend: 'simd128' })
  const expected = await classifier.classify('the same text as ever')
  const CODES = ['BAD_ARGUMENT', 'EMPTY_TEXT', 'TEXT_TOO_LONG', 'ABORTED', 'UNSUPPORTED', 'SOURCE_FAILED', 'INTEGRITY', 'ENGINE', ...MODEL_CODES]
  const value = (random, usual) => random.below(2) ? random.pick(usual) : random.pick(ANY_VALUES)
  const text = (random) => Array.from({ length: random.below(6) }, () => random.pick(TEXTS)).join('')
  const input = (random, depth = 0) => {
    switch (random.below(5)) {
      case 0: return { text: value(random, [text(random)]), textPair: value(random, [text(random), undefined]) }
      case 1: return depth > 0 ? [] : Array.from({ length: random.below(4) }, () => input(random, 1))
      case 2: return random.pick(ANY_VALUES)
      default: return text(random)
    }
  }
  await repeat(t, async (random) => {
    if (random.below(4) === 0) {
      const options = {}
      for (const key of ['memoryBudget', 'maxTokens', 'threads', 'backend', 'wasm', 'integrity', 'signal', 'onProgress']) {
        if (random.below(4) === 0) options[key] = value(random, [1, 64, 2 ** 24, undefined])
      }
      if (!('wasm' in options)) options.wasm = module
      const source = random.below(2) ? damagedFile(random) : random.pick(ANY_VALUES.filter((any) => typeof any !== 'string'))
      try {
        const loaded = await load(source, random.below(8) === 0 ? random.pick(ANY_VALUES) : options)
        loaded.dispose()
        return 'loaded'
      } catch (error) {
        return soundError(error, CODES)
      }
    }
    const options = {}
    for (const [key, usual] of [['topK', [1, 2, 3]], ['overflow', ['window', 'truncate', 'error']], ['explain', [true]], ['signal', []], ['onProgress', []]]) {
      if (random.below(3) === 0) options[key] = usual.length ? value(random, usual) : random.pick(ANY_VALUES)
    }
    let outcome
    const document = input(random)
    try {
      const result = await classifier.classify(document, random.below(8) === 0 ? random.pick(ANY_VALUES) : options)
      for (const one of Array.isArray(result) ? result : [result]) {
        if (one.error) soundError(one.error, CODES)
        else soundResult(one, classifier.labels)
      }
      outcome = Array.isArray(result) ? 'results' : 'result'
    } catch (error) {
      outcome = soundError(error, CODES)
    }
    assert.deepEqual(await classifier.classify('the same text as ever'), expected)
    return outcome
  })
})

test('offsets of tokens fit any text', async (t) => {
  const classifier = await load(tiny({ ...small, n_max: 2000, k: [4, 4] }), { wasm: module, backend: 'simd128' })
  const encoder = new TextEncoder()
  await repeat(t, async (random) => {
    const text = `${Array.from({ length: 1 + random.below(8) }, () => random.pick(TEXTS)).join('')}.` // with one that is visible
    const { explanation, tokens } = await classifier.classify(text, { explain: true })
    assert.equal(tokens, encoder.encode(text.replaceAll('\r\n', '\n')).length, 'this tokenizer has one token a byte')
    // A byte lies in the character it belongs to, of one UTF-16 unit or two; U+FFFD takes the place of half a pair. A Windows line end is one byte.
    let byte = 0
    for (let at = 0; at < text.length;) {
      const isLineEnd = text.startsWith('\r\n', at)
      const units = isLineEnd || text.codePointAt(at) > 0xffff ? 2 : 1
      const bytes = isLineEnd ? 1 : encoder.encode(text.slice(at, at + units)).length
      for (let i = 0; i < bytes; i++, byte++) {
        const { start, end } = explanation.tokens[byte]
        assert.deepEqual([start, end], [at, at + units], `byte ${byte} of ${JSON.stringify(text)}`)
      }
      at += units
    }
    assert.equal(byte, tokens)
    for (const passage of explanation.passages) assert.equal(passage.text, text.slice(passage.start, passage.end))
    return 'fits'
  })
})
