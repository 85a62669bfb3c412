/**
 * Texts made of random numbers, the same each time.
 */

/** Numbers in [-1, 1) (mulberry32). @param {number} seed */
export function randomNumbers(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1
  }
}

/** A text of n bytes, which are n tokens to the models of model.js: words of lower-case letters. @param {number} n */
export function benchText(n) {
  const random = randomNumbers(2)
  return Array.from({ length: n }, () => random() < -0.7 ? ' ' : String.fromCharCode(97 + Math.floor(13 + 13 * random()))).join('')
}

/** The tokens of such a text. @param {string} text @returns {BigInt64Array} */
export const benchIds = (text) => BigInt64Array.from(text, (character) => BigInt(character.charCodeAt(0) + 1))
