/**
 * Exponential and logarithm with the same bits in every engine. Math.exp and Math.log may differ in the last bit from one
 * engine to the next, and a fit magnifies that into another file; sums, products, quotients, square roots and Math.floor are
 * exact by IEEE 754, so these are made of nothing else.
 */

const LOG2_E = 1.4426950408889634
/** ln 2 in two parts: products of the first with whole numbers up to 1100 are exact. */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** 2^k for k from -1022 to 1023. */
const POWERS = new Float64Array(2046)
POWERS[1022] = 1
for (let k = 1023; k < 2046; k++) POWERS[k] = POWERS[k - 1] * 2
for (let k = 1021; k >= 0; k--) POWERS[k] = POWERS[k + 1] / 2

/**
 * @param {number} x
 * @returns {number} e^x to 2 units in the last place; 0 below -708, infinite above 709
 */
export function exp(x) {
  if (!(x >= -708)) return x < -708 ? 0 : NaN
  if (x > 709) return Infinity
  const k = Math.floor(x * LOG2_E + 0.5)
  const r = (x - k * LN2_HIGH) - k * LN2_LOW // |r| < 0.35: the terms of the series fall to 2^-53 by the 13th
  let sum = 1 + r / 13
  sum = 1 + (r / 12) * sum
  sum = 1 + (r / 11) * sum
  sum = 1 + (r / 10) * sum
  sum = 1 + (r / 9) * sum
  sum = 1 + (r / 8) * sum
  sum = 1 + (r / 7) * sum
  sum = 1 + (r / 6) * sum
  sum = 1 + (r / 5) * sum
  sum = 1 + (r / 4) * sum
  sum = 1 + (r / 3) * sum
  sum = 1 + (r / 2) * sum
  return (1 + r * sum) * POWERS[k + 1022]
}

const bits = new DataView(new ArrayBuffer(8))

/**
 * @param {number} x
 * @returns {number} ln x to 2 units in the last place, for normal numbers; -Infinity at 0 and below the smallest of them
 */
export function log(x) {
  if (!(x >= 2 ** -1022)) return x >= 0 ? -Infinity : NaN
  if (x === Infinity) return x
  bits.setFloat64(0, x)
  const high = bits.getUint32(0)
  let k = (high >>> 20) - 1023
  bits.setUint32(0, (high & 0xfffff) | 0x3ff00000)
  let m = bits.getFloat64(0) // x = m 2^k, 1 <= m < 2
  if (m > Math.SQRT2) {
    m /= 2
    k++
  }
  const s = (m - 1) / (m + 1) // ln m = 2 (s + s^3 / 3 + s^5 / 5 + ...), |s| < 0.172
  const t = s * s
  let sum = 1 / 21
  for (let odd = 19; odd >= 3; odd -= 2) sum = 1 / odd + t * sum
  return k * LN2_HIGH + (2 * s + (2 * s * t * sum + k * LN2_LOW))
}

/**
 * @param {number} x
 * @returns {number} 1 / (1 + e^-x)
 */
export const sigmoid = (x) => x >= 0 ? 1 / (1 + exp(-x)) : 1 - 1 / (1 + exp(x))

/**
 * @param {number} x
 * @returns {number} ln(1 + e^x)
 */
export const softplus = (x) => x > 0 ? x + log(1 + exp(-x)) : log(1 + exp(x))
