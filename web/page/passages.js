/**
 * What a passage did for or against a label, as one number.
 *
 * Each label's logit is the sum of the passages' contributions and a constant. What decides is how far a label is ahead,
 * so the number here is what a passage adds to the label's logit, less what it adds to the others' on average. These
 * numbers and the constant's add up to the label's lead, exactly; with two labels the lead is the log of their odds.
 *
 * @typedef {import('../wasm/index.js').Passage} Passage
 * @typedef {import('../wasm/index.js').Explanation} Explanation
 *
 * @typedef {object} Account
 * @property {string} label that is explained
 * @property {Passage[]} passages in the order of the text
 * @property {Float64Array} numbers one for each passage
 * @property {number} strongest largest of them, either way
 * @property {number} pro sum of those for the label
 * @property {number} con sum of those against it
 * @property {number} constant
 * @property {number} lead pro + con + constant
 * @property {boolean} relative whether the numbers are against the average: see `againstAverage`
 */

/**
 * With labels of which many may hold, each is decided alone, and its number is its own contribution.
 *
 * @param {readonly number[]} values one for each label
 * @param {number} label
 * @param {boolean} alone
 */
export function ahead(values, label, alone) {
  if (alone) return values[label]
  const rest = values.reduce((sum, value) => sum + value, 0) - values[label]
  return values[label] - rest / Math.max(1, values.length - 1)
}

/**
 * @param {Passage[]} passages in the order of the text
 * @param {{ bias: number[], logits: number[] }} explanation
 * @param {readonly string[]} labels
 * @param {number} label its place among them
 * @param {boolean} [alone] whether many labels may hold
 * @returns {Account}
 */
export function account(passages, { bias, logits }, labels, label, alone = false) {
  const numbers = Float64Array.from(passages, ({ contributions }) => ahead(contributions, label, alone))
  let [strongest, pro, con] = [0, 0, 0]
  for (const number of numbers) {
    strongest = Math.max(strongest, Math.abs(number))
    if (number < 0) con += number
    else pro += number
  }
  return { label: labels[label], passages, numbers, strongest, pro, con, constant: ahead(bias, label, alone), lead: ahead(logits, label, alone), relative: false }
}

/**
 * The same account with other numbers: of each passage how much more or less it added than its length's share of the
 * whole. In a text that speaks for one label throughout, every passage is for it; this tells the strong from the weak.
 * These numbers add up to zero.
 *
 * @param {Account} exact
 * @returns {Account}
 */
export function againstAverage(exact) {
  const { passages, numbers, pro, con } = exact
  const lengths = passages.map(({ start, end }) => end - start)
  const total = lengths.reduce((sum, length) => sum + length, 0)
  const relative = numbers.map((number, i) => number - ((pro + con) * lengths[i]) / Math.max(1, total))
  const strongest = relative.reduce((most, number) => Math.max(most, Math.abs(number)), 0)
  return { ...exact, numbers: relative, strongest, relative: true }
}

/** @param {readonly Passage[]} passages as the library gives them, the strongest first */
export const inTextOrder = (passages) => [...passages].sort((a, b) => a.start - b.start)

/** @typedef {import('../wasm/index.js').Found & { passage: number }} Clause a label that was found, and the passage that says it most */

/**
 * @param {readonly import('../wasm/index.js').Found[]} found
 * @param {readonly Passage[]} passages in the order of the text
 * @param {readonly string[]} labels
 * @returns {Clause[]}
 */
export function clausesOf(found, passages, labels) {
  return found.map((each) => {
    const label = labels.indexOf(each.label)
    let best = -1
    for (const [i, { start, end, contributions }] of passages.entries()) {
      if (end <= each.start || start >= each.end) continue
      if (best < 0 || contributions[label] > passages[best].contributions[label]) best = i
    }
    return { ...each, passage: Math.max(0, best) }
  })
}
