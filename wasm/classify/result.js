/**
 * From what a head says of a document to a result.
 */
import { explain } from './explain.js'
import { doubtOf, typicalityOf } from './typicality.js'

/**
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').Found} Found
 * @typedef {import('../index.js').Result} Result
 * @typedef {import('../engine/heads.js').PlacedHead} PlacedHead
 * @typedef {import('../source/head.js').Head} Head
 * @typedef {import('./inputs.js').Document} Document
 * @typedef {import('./trunk.js').Ask} Ask
 * @typedef {import('./trunk.js').Reading} Reading
 */

/** @param {number[]} logits @returns {number[]} probabilities that sum to 1 */
function softmax(logits) {
  const top = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - top))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

const sigmoid = (/** @type {number} */ logit) => 1 / (1 + Math.exp(-logit))

/**
 * Each label's probability: one of them holds, or each may.
 *
 * @param {Head} head
 * @param {number[]} logits
 * @returns {number[]}
 */
export const scoresOf = ({ labelsKind }, logits) => labelsKind === 'many' ? logits.map(sigmoid) : softmax(logits)

/** @param {number[]} values @returns {number} index of the largest */
export const indexOfBest = (values) => values.indexOf(Math.max(...values))

/**
 * What a reading has to bring for these heads and options.
 *
 * @param {readonly PlacedHead[]} heads
 * @param {ClassifyOptions} options
 * @returns {Ask}
 */
export function askFor(heads, { explain: wanted }) {
  const explained = wanted !== undefined && wanted !== false
  const found = heads.some(({ head }) => head.labelsKind === 'many')
  return {
    heads,
    offsets: explained || found,
    each: wanted === true || wanted === 'attribution',
    contributions: explained || heads.some(({ head }) => head.labelsKind === 'many' && head.config.pooling !== 'window-max'),
    pooled: heads.some(({ head }) => head.typicality !== undefined)
  }
}

/**
 * @param {PlacedHead} placed
 * @param {Reading} reading that it has judged
 * @param {Document} input
 * @param {ClassifyOptions} options
 * @param {() => Promise<void>} pause
 * @returns {Promise<Result>}
 */
export async function resultOf(placed, reading, input, { topK, explain: wanted }, pause) {
  const { head } = placed
  const { tokens, used, windows, pooled, judgements } = reading
  const { logits, evidence, contributions } = /** @type {import('../engine/heads.js').Judgement} */ (judgements.get(placed))
  const { labels, thresholds, typicality } = head
  const scores = scoresOf(head, logits)
  const winner = indexOfBest(scores)
  const ranked = labels.map((label, c) => ({ label, score: scores[c] }))
  ranked.sort((a, b) => b.score - a.score)
  /** @type {Result} */
  const result = {
    label: labels[winner],
    score: scores[winner],
    scores: ranked.slice(0, topK),
    tokens: tokens.length,
    tokensUsed: used,
    truncated: used < tokens.length,
    windows
  }
  const explained = wanted !== undefined && wanted !== false
  const explanation = contributions && await explain({
    tokens, used, contributions, logits, winner, input, each: wanted === true || wanted === 'attribution', pause
  })
  if (thresholds !== undefined) {
    /** Where a label is said. @param {number} c @returns {Omit<Found, 'label' | 'score'>} */
    const evidenceOf = (c) => {
      if (evidence[c] !== undefined) {
        const { input: where, start } = tokens.rangeOf(evidence[c].from)
        const last = tokens.rangeOf(evidence[c].to - 1)
        // A window may reach from a text into its pair: what lies in the text is shown.
        return { input: where, start, end: last.input === where ? last.end : 'text' in input ? input.text.length : last.end }
      }
      const passages = explanation?.passages ?? []
      const best = passages.reduce((a, b) => b.contributions[c] > a.contributions[c] ? b : a)
      return { input: best.input, start: best.start, end: best.end }
    }
    result.found = []
    for (const { label, score } of ranked) {
      const c = labels.indexOf(label)
      if (score < thresholds[c]) continue
      result.found.push({ label, score, ...evidenceOf(c) })
      await pause()
    }
  }
  if (typicality !== undefined && pooled !== undefined) {
    result.typicality = typicalityOf(typicality, pooled, used)
    const doubt = doubtOf(result.typicality, tokens)
    if (doubt !== undefined) result.doubt = doubt
  }
  if (explained) result.explanation = explanation
  return result
}
