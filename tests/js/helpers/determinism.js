/**
 * Results bit by bit, to compare between hosts. The functions need nothing but the web's own globals: they run in
 * Node.js, in its older and newer versions, and in browsers.
 */

/**
 * Every case of tests/c in a module of the engine, as lines like those of tests/c/test_cases.c.
 *
 * @param {Uint8Array} wasm
 * @returns {Promise<string[]>} `kind index hash count`
 */
export async function caseHashes(wasm) {
  const memory = new WebAssembly.Memory({ initial: 320, maximum: 320 })
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } })
  const { exports } = instance
  const out = Math.ceil(exports.__heap_base.value / 64) * 64
  const lines = []
  for (const kind of ['kernel', 'engine']) {
    for (let index = 0; index < exports[`${kind}_case_count`](); index++) {
      const count = exports[`${kind}_case_run`](index, out)
      let sum = 2166136261
      for (const byte of new Uint8Array(memory.buffer, out, 4 * Math.max(0, count))) sum = Math.imul(sum ^ byte, 16777619) >>> 0
      lines.push(`${kind} ${index} ${sum.toString(16).padStart(8, '0')} ${count}`)
    }
  }
  return lines
}

/**
 * The models of a file by golden-models.js over their documents, in any module of the engine, as lines like those of
 * tests/c/test_cases.c.
 *
 * @param {Uint8Array} wasm
 * @param {Uint8Array} models
 * @returns {Promise<string[]>} `model name hash count`
 */
export async function modelHashes(wasm, models) {
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 1024 })
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } })
  const { exports } = instance
  const heap = new Uint8Array(memory.buffer)
  const start = Math.ceil(exports.__heap_base.value / 64) * 64
  let top = start
  const allocate = (size) => {
    const address = top
    top += Math.ceil(Number(size) / 64) * 64
    return address
  }
  const place = (data) => {
    const address = allocate(data.length)
    heap.set(data, address)
    return address
  }
  const view = new DataView(models.buffer, models.byteOffset, models.byteLength)
  let at = 0
  const bytes = (size) => models.subarray(at, at += size)
  const number = () => view.getInt32((at += 4) - 4, true)

  const lines = []
  while (at < models.length) {
    top = start
    const name = String.fromCharCode(...bytes(64)).replace(/\0+$/, '')
    const check = (status) => { if (status < 0) throw new Error(`${name}: status ${status}`) }
    const config = place(bytes(48 * 4))
    const headConfig = place(bytes(7 * 4))
    const classes = new Int32Array(memory.buffer, headConfig)[2]
    const modelBytes = exports.lf_model_bytes(config)
    const model = allocate(modelBytes)
    check(exports.lf_model_init(model, modelBytes, config))
    const headBytes = exports.lf_head_bytes(headConfig)
    const head = allocate(headBytes)
    check(exports.lf_head_init(head, headBytes, headConfig))
    const afterModel = top
    for (let left = number(); left > 0; left--) {
      const tensorName = bytes(64)
      const ofHead = /^(head|words)\./.test(String.fromCharCode(...tensorName))
      const tensor = place(tensorName)
      const [dtype, dimensions] = [number(), number()]
      const shape = place(bytes(12))
      const size = number()
      const data = place(bytes(Math.ceil(size / 4) * 4))
      check((ofHead ? exports.lf_head_set_tensor : exports.lf_set_tensor)(ofHead ? head : model, tensor, dtype, shape, dimensions, data, BigInt(size)))
      top = afterModel
    }
    let sum = 2166136261
    let count = 0
    for (let left = number(); left > 0; left--) {
      const n = number()
      const runBytes = exports.lf_workspace_bytes(config, n, 1)
      const run = allocate(runBytes)
      check(exports.lf_run_init(run, runBytes, model, n, 1))
      const ids = exports.lf_run_ids(run)
      heap.set(bytes(4 * n), ids)
      check(exports.lf_begin(run, n))
      check(exports.lf_step(run, exports.lf_run_total(run)))
      check(exports.lf_head_begin(head))
      check(exports.lf_head_read(head, run))
      check(exports.lf_head_step(head, n + 1)) // tiles, and one for its words
      const add = (address, length) => {
        for (const byte of heap.subarray(address, address + 4 * length)) sum = Math.imul(sum ^ byte, 16777619) >>> 0
        count += length
      }
      add(exports.lf_head_logits(head), classes)
      for (let first = 0; first < n; first += 48) {
        const rows = Math.min(48, n - first)
        const terms = exports.lf_head_terms(head, first, rows)
        check(exports.lf_head_contributions(head, ids + 4 * first, first, rows))
        add(terms, rows * classes)
      }
      top = afterModel
    }
    lines.push(`model ${name} ${sum.toString(16).padStart(8, '0')} ${count}`)
  }
  return lines
}

/** Texts of several lengths and scripts. */
export const TEXTS = [
  'An excellent film: I loved every minute of it.', 'Dull, and far too long.', '\u{1f600} caf\u00e9 \u4e2d\u6587 \ud800 \u0130stanbul',
  'It begins well enough, and then nothing happens for two hours. '.repeat(40), 'word '.repeat(9000)
]

/**
 * The verdicts of a classifier, with its logits as the 16 hexadecimal digits of their doubles.
 *
 * @param {{ classify: Function }} classifier
 * @param {string[]} texts
 * @returns {Promise<string[]>}
 */
export async function verdicts(classifier, texts) {
  const lines = []
  for (const text of texts) {
    const { label, tokens, windows, explanation } = await classifier.classify(text, { explain: true })
    const bits = new BigUint64Array(Float64Array.from(explanation.logits).buffer)
    lines.push(`${label} ${tokens} ${windows} ${[...bits].map((bit) => bit.toString(16).padStart(16, '0')).join(' ')}`)
  }
  return lines
}
