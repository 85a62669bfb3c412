/**
 * Random values for fuzzing in JavaScript: numbers from a seed, and what a stranger may put where something else belongs.
 */

/** The same numbers for the same seed (Marsaglia's xorshift, 32 bits). @param {number} seed */
export class Random {
  #state
  constructor(seed) {
    this.#state = seed | 0 || 1
  }

  /** 0 .. n - 1 */
  below(n) {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % n
  }

  pick(list) {
    return list[this.below(list.length)]
  }
}

const nested = (depth) => {
  let value = []
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const circle = {}
circle.circle = circle

/** What JSON can hold. */
export const JSON_VALUES = [
  null, true, false, 0, -0, 1, -1, 2, 3, 7, 8, 16, 255, 256, 1.5, 1e-9, 2 ** 20, 2 ** 20 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32,
  2 ** 32 + 1, 2 ** 53 - 1, 2 ** 53, 1e21, 1e308, -1e308, '', '0', '1', 'F32', 'F16', 'I8', 'U8', 'BF16', 'linear', 'mean', 'full',
  'layerwise', 'none', 'toString', '__proto__', 'constructor', '\u0000', '\ud800', 'x'.repeat(3000), [], [0], [1], [-1], [1.5],
  [2 ** 53 - 1, 2 ** 53 - 1], [0, 0], [0, 1], [1, 0], [16, 16], [2 ** 20, 2 ** 20, 2 ** 20], [null], [[]], new Array(300).fill(1),
  {}, { length: 2 }, { dtype: 'F32', shape: [1], data_offsets: [0, 4] }, { dtype: 'U8', shape: [0], data_offsets: [0, 0] }, nested(20)
]

/** What only a program can pass. */
export const ANY_VALUES = [
  ...JSON_VALUES, undefined, NaN, Infinity, -Infinity, 5n, Symbol('s'), () => {}, circle, new Date(NaN), new Map(), /x/, new Proxy({}, {}),
  Object.create(null), new Uint8Array(3), new ArrayBuffer(4), new Float64Array([NaN]), nested(20000), new AbortController().signal,
  AbortSignal.abort('aborted'), Promise.resolve('text')
]

/** Pieces of text that have broken something somewhere. */
export const TEXTS = [
  '', ' ', '\n', '\0', 'a', 'The film', "n't we'll I'd 're", '\ud800', '\udc00', '\udc00\ud800', '\u{1f600}', 'e\u0301', '\u200d', '\u200b', '\ufeff',
  '\u202e', '\u2066', '\ufffd', '\uffff', '\u0130', '\u{10ffff}', '\u{e0001}', '\u3000', '\u0085', '\u00a0', '\u{1f468}\u200d\u{1f469}', '\ufb03', '<script>', '\\u0000',
  '%00', "' or 1=1", 'a'.repeat(130), ' '.repeat(200), '\u{1f600}'.repeat(40), '1234567890', '\r\n\r\n', '...!!!', '\u0627\u0644\u0639', '\u4e2d\u6587'
]
