/**
 * Results bit by bit, to compare between hosts. Both functions need nothing but the web's own globals: they run in
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
