/**
 * One label of a short review, the way a page gets it; runs in Node.js and in a page.
 */
import { LITERT_FOLDER, NotAvailable } from './engines.js'

export const startText = 'A quiet, generous film. The two leads are wonderful together, and I loved every minute of it.'

/**
 * @param {'linformer-wasm' | 'onnxruntime-web' | 'LiteRT.js'} engine
 * @param {object} host
 * @param {() => Promise<{ load: typeof import('../wasm/index.js').load }>} host.linformer
 * @param {() => Promise<any>} host.ort onnxruntime-web
 * @param {() => Promise<any>} [host.litert] LiteRT.js, in a page
 * @param {() => Promise<any>} host.tokenizers
 * @param {(path: string) => Promise<Uint8Array>} host.read
 * @param {(path: string) => any} host.place for this project's `load`
 * @returns {Promise<string>}
 */
export async function firstLabel(engine, { linformer, ort, litert, tokenizers, read, place }) {
  if (engine === 'linformer-wasm') {
    const { load } = await linformer()
    const classifier = await load(place('models/sentiment.safetensors'))
    return (await classifier.classify(startText)).label
  }
  if (engine === 'LiteRT.js') {
    if (litert === undefined) throw new NotAvailable('LiteRT.js runs in pages only')
    return labelOfLiteRt(startText, { litert, tokenizers, read })
  }
  // Everything at once, as far as one thing does not need another.
  const [runtime, { Tokenizer }, model, description] = await Promise.all([
    ort(), tokenizers(), read('build/bench/shipped.onnx'), read('build/bench/shipped-tokenizer.json')
  ])
  runtime.env.wasm.numThreads = 1
  const session = await runtime.InferenceSession.create(model, { executionProviders: ['wasm'] })
  const tokenizer = new Tokenizer(JSON.parse(new TextDecoder().decode(description)), {})
  const ids = BigInt64Array.from(tokenizer.encode(startText).ids, BigInt)
  const { data } = /** @type {any} */ (Object.values(await session.run({ ids: new runtime.Tensor('int64', ids, [ids.length]) }))[0])
  return data[0] > data[1] ? 'negative' : 'positive'
}

/**
 * @param {string} text
 * @param {object} host
 * @param {() => Promise<any>} host.litert
 * @param {() => Promise<any>} host.tokenizers
 * @param {(path: string) => Promise<Uint8Array>} host.read
 */
async function labelOfLiteRt(text, { litert, tokenizers, read }) {
  const [{ loadAndCompile, Tensor }, { Tokenizer }, model, description] = await Promise.all([
    litert().then(async (runtime) => {
      await runtime.loadLiteRt(LITERT_FOLDER)
      return runtime
    }),
    tokenizers(), read('build/bench/shipped.tflite'), read('build/bench/shipped-tokenizer.json')
  ])
  const compiled = await loadAndCompile(model, { accelerator: 'wasm' })
  const tokenizer = new Tokenizer(JSON.parse(new TextDecoder().decode(description)), {})
  const ids = Int32Array.from(tokenizer.encode(text).ids)
  const [logits] = await compiled.run([new Tensor(ids, [ids.length])])
  const [negative, positive] = await logits.data()
  return negative > positive ? 'negative' : 'positive'
}
