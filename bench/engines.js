/**
 * The engines under test behind one interface; runs in Node.js and in a page, which bring `load` and the peers along.
 */
import { runModel } from './model-run.js'
import { benchIds, benchText } from './text.js'

/**
 * @typedef {object} Variant what is measured
 * @property {'linformer-wasm' | 'onnxruntime-web' | 'LiteRT.js'} engine
 * @property {'float32' | 'int8'} precision
 * @property {number} threads
 * @property {'relaxed' | 'simd128'} [backend] of linformer-wasm and LiteRT.js
 * @property {Partial<import('../wasm/index.js').Config> & { n_max: number }} shape the document has n_max tokens
 * @property {string} [file] the ONNX file, instead of the one that onnx.js writes
 *
 * @typedef {object} Opened
 * @property {() => Promise<number>} run one forward pass over the document of n tokens: first logit less the second
 * @property {() => number} memory bytes of linear memory
 *
 * @typedef {object} Peers
 * @property {typeof import('../wasm/index.js').load} load
 * @property {() => Promise<any>} ort onnxruntime-web
 * @property {() => Promise<any>} [litert] LiteRT.js, where there is a page for it
 */

/** What a variant asks for and an engine does not have: reported as such, never timed as something else. */
export class NotAvailable extends Error {}

/** Sizes of the memories that are made from now on, as each engine makes its own. */
export function watchMemories() {
  /** @type {WebAssembly.Memory[]} */
  const memories = []
  const Memory = WebAssembly.Memory
  WebAssembly.Memory = /** @type {any} */ (new Proxy(Memory, {
    construct(target, args) {
      const memory = new target(.../** @type {[any]} */ (args))
      memories.push(memory)
      return memory
    }
  }))
  return () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
}

/**
 * @param {Variant} variant
 * @param {Uint8Array} file
 * @param {Peers} peers
 * @returns {Promise<Opened>}
 */
async function openOurs(variant, file, { load }) {
  const { backend, precision, threads, shape: { n_max: n } } = variant
  const classifier = /** @type {any} */ (await load(file, /** @type {any} */ ({ backend, precision, threads })))
  if (classifier.backend !== backend) throw new NotAvailable(`no ${backend} here`)
  if (classifier.threads !== threads) throw new NotAvailable(`${classifier.threads} thread instead of ${threads}`)
  if ((classifier.precision ?? 'float32') !== precision) throw new NotAvailable(`no ${precision}`)
  const text = benchText(n)
  return {
    async run() {
      const { scores, tokens, tokensUsed, windows } = await classifier.classify(text)
      if (tokens !== n || tokensUsed !== n || windows !== 1) throw new Error(`read ${tokensUsed} of ${tokens} tokens in ${windows} windows, not ${n} in one`)
      const scoreOf = (/** @type {string} */ label) => scores.find((/** @type {any} */ score) => score.label === label).score
      return Math.log(scoreOf('label 0') / scoreOf('label 1'))
    },
    memory: () => classifier.memory.total
  }
}

/**
 * @param {Variant} variant
 * @param {Uint8Array} file
 * @param {Peers} peers
 * @returns {Promise<Opened>}
 */
async function openOnnx(variant, file, peers) {
  const memory = watchMemories()
  const ort = await peers.ort()
  ort.env.wasm.numThreads = variant.threads
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' })
  if (ort.env.wasm.numThreads !== variant.threads) throw new NotAvailable(`${ort.env.wasm.numThreads} thread instead of ${variant.threads}`)
  const ids = benchIds(benchText(variant.shape.n_max))
  const dims = session.inputMetadata[0].shape.length === 1 ? [ids.length] : [1, ids.length]
  return {
    async run() {
      const { data } = Object.values(await session.run({ ids: new ort.Tensor('int64', ids, dims) }))[0]
      return data[0] - data[1]
    },
    memory
  }
}

/** Where the page finds LiteRT.js's modules; it chooses between them by itself, but for simd128, which it is then told. */
export const LITERT_FOLDER = '/bench/node_modules/@litertjs/core/wasm/'

/**
 * @param {Variant} variant
 * @param {Uint8Array} file
 * @param {Peers} peers
 * @returns {Promise<Opened>}
 */
async function openLiteRt({ backend, threads, shape: { n_max: n } }, file, peers) {
  if (peers.litert === undefined) throw new NotAvailable('LiteRT.js runs in pages only')
  const { loadLiteRt, loadAndCompile, Tensor } = await peers.litert()
  const { liteRtWasm } = await loadLiteRt(backend === 'simd128' ? `${LITERT_FOLDER}litert_wasm_compat_internal.js` : LITERT_FOLDER, { threads: threads > 1 })
  if (threads > 1 && liteRtWasm.getThreadCount() < threads) throw new NotAvailable(`${liteRtWasm.getThreadCount()} thread instead of ${threads}`)
  const model = await loadAndCompile(file, { accelerator: 'wasm', cpuOptions: { numThreads: threads } })
  const ids = new Tensor(Int32Array.from(benchIds(benchText(n)), Number), [n])
  return {
    async run() {
      const [logits] = await model.run([ids])
      const [a, b] = await logits.data()
      logits.delete()
      return a - b
    },
    memory: () => liteRtWasm.HEAPU8.byteLength
  }
}

const OPEN = { 'linformer-wasm': openOurs, 'onnxruntime-web': openOnnx, 'LiteRT.js': openLiteRt }

/** An error's message on one line, without the place in the runtime's sources. @param {unknown} error */
function reason(error) {
  const message = error instanceof Error ? error.message : String(error)
  return message.replace(/^[^]*ERROR_MESSAGE: (\S+:\d+ [^]*?\) )?/, '').replace(/\s+/g, ' ').trim().slice(0, 100)
}

/**
 * The number of operations a second that a micro-kernel of peak.js reaches, at its best.
 *
 * @param {Uint8Array} file a module with `run(iterations)`
 * @param {number} operations of one iteration
 */
async function peak(file, operations) {
  const { instance } = /** @type {any} */ (await WebAssembly.instantiate(/** @type {any} */ (file)))
  let best = 0
  let iterations = 1000
  for (let run = 0; run < 60; run++) {
    const started = performance.now()
    instance.exports.run(iterations)
    const ms = performance.now() - started
    best = Math.max(best, iterations * operations * 1000 / ms)
    if (ms < 10) iterations *= 2
  }
  return best
}

/**
 * @typedef {{ type: 'open', variant: Variant, file: string } | { type: 'run', repeat?: number } | { type: 'peak', file: string, operations: number } |
 *   { type: 'model', file: string, first: import('./model-run.js').Text, texts?: import('./model-run.js').Text[] }} Order
 * @typedef {{ ms?: number, cpuMs?: number, perSecond?: number, margin?: number, memory?: number, run?: import('./model-run.js').ModelRun, failed?: string, notAvailable?: boolean }} Answer
 */

/**
 * What a child process or a page does for its host: 'open' a variant, and 'run' it (milliseconds, the result, memory).
 *
 * @param {Peers & { read: (path: string) => Promise<Uint8Array>, cpuMs?: () => number }} peers cpuMs: processor time of this thread
 * @returns {(order: Order) => Promise<Answer>} never rejects
 */
export function servant(peers) {
  /** @type {Opened} */
  let opened
  return async (order) => {
    try {
      if (order.type === 'open') {
        const { variant } = order
        opened = await OPEN[variant.engine](variant, await peers.read(order.file), peers)
        return {}
      }
      if (order.type === 'model') return { run: await runModel(peers.load, order.file, order.first, order.texts) }
      if (order.type === 'peak') return { perSecond: await peak(await peers.read(order.file), order.operations) }
      const cpu = peers.cpuMs?.()
      const started = performance.now()
      let margin
      for (let left = order.repeat ?? 1; left > 0; left--) margin = await opened.run()
      const ms = performance.now() - started
      return { ms, cpuMs: cpu === undefined ? undefined : /** @type {any} */ (peers.cpuMs)() - cpu, margin, memory: opened.memory() }
    } catch (error) {
      return { failed: reason(error), notAvailable: error instanceof NotAvailable }
    }
  }
}
