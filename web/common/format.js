/** Numbers as the page writes them: English, like the rest of it, whatever the browser's language. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const signed = new Intl.NumberFormat('en', { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: 'exceptZero' })

const small = new Intl.NumberFormat('en', { maximumSignificantDigits: 2, signDisplay: 'exceptZero' })

/** @param {number} value */
export const count = (value) => whole.format(value)

/** @param {number} value */
export const logit = (value) => signed.format(value).replace('-', '\u2212')

/** A part of a logit: as `logit`, but with two digits of its own where three places would round it away. @param {number} value */
export const part = (value) => (Math.abs(value) < 0.01 ? small.format(value).replace('-', '\u2212') : logit(value))

/** @param {number} share 0 to 1; never rounded up to a certainty that the model does not have */
export function percent(share) {
  const value = Math.min(share * 100, 99.99)
  return `${value > 99.9 ? '> 99.9' : value.toFixed(1)} %`
}

/** @param {number} value */
export function bytes(value) {
  if (value < 1024) return `${count(value)} B`
  if (value < 1024 ** 2) return `${short.format(value / 1024)} KiB`
  if (value >= 1024 ** 3) return `${short.format(value / 1024 ** 3)} GiB`
  return `${(value / 1024 ** 2).toFixed(2)} MiB`
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  return milliseconds < 1000 ? `${short.format(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`
}

/**
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`
