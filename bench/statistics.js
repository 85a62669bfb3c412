/**
 * Medians and spread.
 */

/**
 * @typedef {{ median: number, q1: number, q3: number, min: number, max: number, count: number }} Summary
 */

/** @param {number[]} sorted @param {number} q 0 to 1 */
function quantile(sorted, q) {
  const at = (sorted.length - 1) * q
  const low = Math.floor(at)
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
}

/** @param {number[]} values at least one @returns {Summary} */
export function summarise(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const [median, q1, q3] = [0.5, 0.25, 0.75].map((q) => quantile(sorted, q))
  return { median, q1, q3, min: sorted[0], max: sorted[sorted.length - 1], count: sorted.length }
}

/**
 * How many times longer `a` took than `b`, round by round: what slows the machine in one round slows both.
 *
 * @param {number[]} a milliseconds of each round
 * @param {number[]} b
 * @returns {Summary | undefined} undefined if they have no round in common
 */
export function ratio(a, b) {
  const ratios = a.slice(0, b.length).map((ms, round) => ms / b[round])
  return ratios.length === 0 ? undefined : summarise(ratios)
}
