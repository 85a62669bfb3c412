/**
 * What the engine executes and how much memory it takes for fixed small jobs, as numbers that are the same on every
 * machine. Compared with budget.json by tests/js/budget.test.js; `npm run budget` writes budget.json.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { load } from 'linformer-wasm'
import { randomModel } from '../js/helpers/random-model.js'
import { COUNTERS, countingModule } from '../../tools/count-instructions.js'
import { tensorShapes } from '../../wasm/source/config.js'
import { CApi, readSafetensors } from '../js/helpers/c-api.js'

// Node.js 20 has relaxed SIMD behind a flag.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd')

export const BUDGET = fileURLToPath(new URL('budget.json', import.meta.url))

const BACKENDS = ['simd128', 'relaxed']
export const SHAPE = { n_max: 480, d_model: 128, n_heads: 4, d_ff: 512, n_layers: 2, k: [64, 64] }

/** Instances of counting modules; `load` keeps its own to itself. */
const instances = []
const { Instance } = WebAssembly

/** The sum of every instance's counters. */
const counted = () => COUNTERS.map((name) => instances.reduce((sum, { exports }) => sum + Number(exports[`count.${name}`].value), 0))

/** What `work` adds to the counters, under the names NAME, COUNTER. */
async function count(name, work) {
  const before = counted()
  const result = await work()
  const after = counted()
  return { result, counts: Object.fromEntries(COUNTERS.map((counter, i) => [`${name}, ${counter}`, after[i] - before[i]])) }
}

/**
 * The engine's parts beside the encoder, by the C API: what a stem as wide as the model adds to a document of n_max tokens, and
 * what heads take to read it.
 *
 * @param {CApi} api an instance of a counting module
 * @param {'float32' | 'int8'} precision
 */
async function countParts(api, precision) {
  const { d_model: d, n_max: n } = SHAPE
  const base = { ...SHAPE, vocab_size: 512, n_classes: 2, attention: 'linformer', sharing: 'layerwise', projection: 'linear', positions: 'none' }
  const words = 200
  const zeros = (/** @type {number[]} */ ...shape) => ({ dtype: 'F32', shape, data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)) })
  const ids = { dtype: 'I32', shape: [words], data: new Uint8Array(Int32Array.from({ length: words }, (_, i) => 2 * i).buffer) }
  const document = Int32Array.from({ length: n }, (_, i) => (i * 7919) % base.vocab_size)
  const numbers = {}
  let run = 0
  for (const [name, parts] of Object.entries({ 'no stem': {}, stem: { stem: d, importance: true } })) {
    const json = { ...base, ...parts }
    const tensors = Object.fromEntries([...tensorShapes(json)].map(([tensor, shape]) => [tensor, zeros(...shape)]))
    if (json.stem) {
      Object.assign(tensors, {
        'stem.in.weight': zeros(d, 3 * d), 'stem.in.bias': zeros(d), 'stem.out.weight': zeros(d, d), 'stem.out.bias': zeros(d),
        'pool.token': zeros(base.vocab_size), 'pool.weight': zeros(d)
      })
    }
    const config = api.config(json, tensors, precision)
    run = api.run(config, api.model(config, tensors), n)
    Object.assign(numbers, (await count(name, () => {
      api.check(api.begin(run, document), 'lf_begin')
      api.check(api.exports.lf_step(run, 1 << 20), 'lf_step')
    })).counts)
  }
  const heads = { mean: {}, 'window-max, words': { pooling: 'window-max', window: 64, words } }
  for (const [name, parts] of Object.entries(heads)) {
    const json = { ...base, ...parts }
    const dense = { 'head.weight': zeros(2, d), 'head.bias': zeros(2) }
    const head = api.head(json, json.words ? { ...dense, 'words.ids': ids, 'words.idf': zeros(words), 'words.weight': zeros(words, 2) } : dense)
    Object.assign(numbers, (await count(`head, ${name}`, () => api.read(head, run, document, 2))).counts)
  }
  return numbers
}

/** Text of words that come and go, for the tokenizer. */
function words(bytes) {
  let text = ''
  for (let i = 0; text.length < bytes; i++) text += `${['The', 'film', 'is', 'wonderful', 'and', 'strangely', 'quiet', '2026', "don't"][(i * i + (i >> 3)) % 9]}${i % 11 === 0 ? '. ' : ' '}`
  return new TextEncoder().encode(text.slice(0, bytes))
}

/** @returns {Promise<Record<string, number>>} */
export async function measureBudget() {
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, args) {
      const instance = new target(...args)
      if ('count.operations' in instance.exports) instances.push(instance)
      return instance
    }
  })
  try {
    const numbers = {}
    for (const backend of BACKENDS) {
      const shipped = fileURLToPath(new URL(`../../wasm/dist/linformer-${backend}.wasm`, import.meta.url))
      numbers[`${backend}, bytes`] = statSync(shipped).size
      const bytes = countingModule(new Uint8Array(readFileSync(shipped)))
      const wasm = new WebAssembly.Module(bytes)
      // Node.js 20 is refused int8 with relaxed SIMD (see wasm/engine/backend.js), and the numbers have to be the same in every host.
      for (const precision of backend === 'relaxed' ? ['float32'] : ['float32', 'int8']) {
        for (const attention of ['linformer', 'full']) {
          const name = `${backend}, ${precision}, ${attention}`
          const options = { backend, precision, wasm, threads: 1 }
          const { result: classifier, counts } = await count(`${name}, load`, () => load(randomModel({ ...SHAPE, attention }), options))
          if ((classifier.precision ?? 'float32') === precision) {
            Object.assign(numbers, counts, (await count(`${name}, classify`, () => classifier.classify('x'.repeat(SHAPE.n_max)))).counts)
            numbers[`${name}, linear memory`] = classifier.memory.total
          }
          classifier.dispose()
        }
      }
    }
    const folder = fileURLToPath(new URL('../../build/budget/', import.meta.url))
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}counting.wasm`, countingModule(new Uint8Array(readFileSync(fileURLToPath(new URL('../../wasm/dist/linformer-simd128.wasm', import.meta.url))))))
    const api = new CApi(`${folder}counting.wasm`)
    for (const precision of /** @type {const} */ (['float32', 'int8'])) {
      const counts = await countParts(new CApi(`${folder}counting.wasm`), precision)
      Object.assign(numbers, Object.fromEntries(Object.entries(counts).map(([name, number]) => [`simd128, ${precision}, ${name}`, number])))
    }
    const { tensors } = readSafetensors(new URL('../golden/tokenizer/lowercase.safetensors.gz', import.meta.url))
    const tokenizer = api.tokenizer(tensors, true)
    Object.assign(numbers, (await count('tokenizer, 20,000 bytes', () => api.tokenize(tokenizer, words(20_000), 4096))).counts)
    return numbers
  } finally {
    WebAssembly.Instance = Instance
  }
}

/** Four significant digits: the number of steps, and with it the last digits, depend on the clock. */
const rounded = (number) => Number(number.toPrecision(4))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const numbers = Object.fromEntries(Object.entries(await measureBudget()).map(([name, number]) => [name, rounded(number)]))
  writeFileSync(BUDGET, `${JSON.stringify(numbers, null, 2)}\n`)
  console.log(`${Object.keys(numbers).length} numbers written to tests/budget/budget.json`)
}
