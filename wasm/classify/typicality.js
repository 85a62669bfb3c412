/**
 * How like the documents that a head was fitted on a document is.
 */

/** @typedef {import('../source/head.js').Typicality} Typicality */

/** Documents with less are unlike what a head was fitted on: fewer than one in 100 of those lie as far from their mean. */
export const lowTypicality = 0.01
/** Below this, a document is at the edge of what a head was fitted on. */
const UNUSUAL = 0.05
/**
 * A text of n tokens with fewer than n^POWER different ones says the same over and over: 1,000 tokens of 15 kinds. Reviews, contracts,
 * manuals, novels, news and mails have several times as many, and the longest tables still more than that. Of fewer than MANY tokens it is
 * not asked.
 */
const POWER = 0.4
const MANY = 64

/**
 * Beyond the farthest of the known documents, the share of documents that lie as far is smaller than what they can tell: it goes on
 * from half a per cent towards 0, smoothly, so that two strange documents can still be compared.
 */
const BEYOND = 0.005
const BEYOND_POWER = 8

/**
 * How far a document of `tokens` tokens lies from the mean of its kind, beside a very long one. Its vector is a mean over its tokens, so the
 * square of its distance has a part that is the document's own and a part that chance adds to it, which falls as 1 / tokens.
 *
 * @param {number} noise tokens at which both parts are the same; 0: the length does not matter
 * @param {number} tokens
 */
export const spreadOf = (noise, tokens) => Math.sqrt(1 + noise / tokens)

/**
 * @param {Typicality} typicality
 * @param {ArrayLike<number>} vector the trunk's, [d_model]
 * @param {number} tokens that it is the mean of
 * @returns {number} the share of known documents whose distance from their mean is at least as large, 0 to 1
 */
export function typicalityOf({ mean, ofDirection, whitening, quantiles, noise }, vector, tokens) {
  const d = mean.length
  let length = 1
  if (ofDirection) {
    let own = 0
    for (let i = 0; i < d; i++) own += vector[i] * vector[i]
    length = Math.sqrt(own) || 1
  }
  let squares = 0
  for (let row = 0; row < whitening.length / d; row++) {
    let sum = 0
    for (let i = 0; i < d; i++) sum += whitening[row * d + i] * (vector[i] / length - mean[i])
    squares += sum * sum
  }
  const distance = Math.sqrt(squares) / spreadOf(noise, tokens)
  const last = quantiles.length - 1
  if (distance <= quantiles[0]) return 1
  if (distance >= quantiles[last]) return BEYOND * (quantiles[last] / distance) ** BEYOND_POWER
  const above = quantiles.findIndex((quantile) => quantile > distance)
  const [a, b] = [quantiles[above - 1], quantiles[above]]
  const share = 1 - (above - 1 + (distance - a) / (b - a)) / last
  return Math.max(BEYOND, share) // it falls without a step where the largest has been passed
}

/**
 * Why the label of a document means little, if it does.
 *
 * @param {number} typicality
 * @param {Pick<import('../engine/tokens.js').Tokens, 'length' | 'characters' | 'hasFewerThan'>} tokens of the document, a separator included
 * @returns {import('../index.js').Doubt | undefined}
 */
export function doubtOf(typicality, tokens) {
  if (typicality < lowTypicality) return 'unlike'
  if (tokens.characters > 0) { // not where ids were given
    // Where the tokenizer has no words of a script, each byte of a character is a token, and says next to nothing.
    if (tokens.length > tokens.characters) return 'unknown-script'
    if (tokens.length >= MANY && tokens.hasFewerThan(tokens.length ** POWER)) return 'repetitive'
  }
  return typicality < UNUSUAL ? 'unusual' : undefined
}
