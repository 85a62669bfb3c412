/**
 * Why: the exact contributions of tokens and passages to the logits.
 *
 * logit_c = bias_c + sum over tokens of contribution_c, since pooling is a mean and the head is linear. Nothing is
 * estimated here; passages are sums of their tokens. What would change without a passage is another question: see removal.js.
 */
import { LinformerError } from '../common/errors.js'

/**
 * @typedef {import('../engine/tokens.js').Tokens} Tokens
 * @typedef {import('./inputs.js').Document} Document
 * @typedef {import('../index.js').Explanation} Explanation
 * @typedef {import('../index.js').Passage} Passage
 */

/** Passages shorter than this many UTF-16 units are joined to the next. */
const SHORTEST = 40
/** Text without an end of a sentence is cut about here. */
const LONGEST = 320
/** Tokens of a passage, where there is no text. */
const TOKENS_PER_PASSAGE = 32
/** Most bytes that an explanation's numbers may take beside the planned memory. */
const MOST_BYTES = 2 ** 28

/**
 * @param {number} tokens that are explained
 * @param {number} nClasses
 * @param {boolean} each whether the tokens are wanted too, one by one
 * @throws {LinformerError} BUDGET_TOO_SMALL if that is too much
 */
export function checkExplanation(tokens, nClasses, each) {
  const bytes = tokens * nClasses * (each ? 4 + 8 : 4)
  if (bytes <= MOST_BYTES) return
  const message = `an explanation of ${tokens} tokens for ${nClasses} labels takes ${bytes} bytes; ${MOST_BYTES} are the most`
  const hint = each ? "; explain: 'passages' takes a third" : ''
  throw new LinformerError('BUDGET_TOO_SMALL', message + hint, { bytes, limit: MOST_BYTES, tokens })
}

/** Tokens that are described before the event loop may have its turn. */
const TOKENS_PER_SLICE = 1024

/**
 * Where sentences start in a text: behind ., !, ? or … (and closing quotes) with white space after them, and behind line
 * breaks. Found one by one, since the text may be long.
 *
 * @param {string} text
 * @returns {{ cross: (end: number) => boolean }} `cross` goes on to `end`, and tells whether a sentence has started before it
 */
function sentenceStarts(text) {
  const matches = text.matchAll(/[.!?…]["'”’)\]]*\s+|\n\s*|<br\s*\/?>\s*|[。！？]/g)
  const next = () => {
    const { value } = matches.next()
    return value === undefined ? Infinity : value.index + value[0].length
  }
  let start = next()
  return {
    cross(end) {
      const before = start
      while (start < end) start = next()
      return start !== before
    }
  }
}

/** Where passages of a document that came as tokens start. */
function tokenRuns() {
  return { cross: (/** @type {number} */ end) => end % TOKENS_PER_PASSAGE === 1 }
}

/** @param {number[]} sums @param {readonly number[]} values @param {1 | -1} sign */
function add(sums, values, sign) {
  for (let i = 0; i < sums.length; i++) sums[i] += sign * values[i]
}

/**
 * @param {object} parts
 * @param {Tokens} parts.tokens
 * @param {number} parts.used tokens that were read
 * @param {Float32Array} parts.contributions [used, n_classes], not yet divided by the number of tokens
 * @param {number[]} parts.logits
 * @param {number} parts.winner index of the label with the highest logit
 * @param {Document} parts.input
 * @param {boolean} parts.each whether the tokens are wanted too, one by one
 * @param {() => Promise<void>} parts.pause called between slices of work
 * @returns {Promise<Explanation>}
 */
export async function explain({ tokens, used, contributions, logits, winner, input, each, pause }) {
  const nClasses = logits.length
  const bias = [...logits]
  const { text, textPair } = 'tokens' in input ? { text: '', textPair: '' } : input
  const strings = { text, textPair: textPair ?? '', tokens: '' }

  /** @type {Explanation['tokens']} */
  const described = []
  /** @type {Passage[]} */
  const passages = []
  const breaks = { text: sentenceStarts(text), textPair: sentenceStarts(textPair ?? ''), tokens: tokenRuns() }
  /** @type {Passage | undefined} */
  let open
  let shares = new Array(nClasses)
  for (let t = 0; t < used; t++) {
    const range = tokens.rangeOf(t)
    for (let c = 0; c < nClasses; c++) shares[c] = contributions[t * nClasses + c] / used
    add(bias, shares, -1)

    // A token that begins with the space before a sentence's first letter is the sentence's first.
    const crossed = breaks[range.input].cross(range.end)
    const shortest = range.input === 'tokens' ? 0 : SHORTEST
    const fits = open !== undefined && open.input === range.input &&
      !(crossed && open.end - open.start >= shortest) && range.end - open.start <= LONGEST
    if (!fits || open === undefined) {
      open = { ...range, text: '', contributions: new Array(nClasses).fill(0), contribution: 0 }
      passages.push(open)
    }
    open.end = Math.max(open.end, range.end)
    add(open.contributions, shares, 1)
    if (each) {
      described.push({ ...range, contributions: shares })
      shares = new Array(nClasses)
    }
    if (t % TOKENS_PER_SLICE === 0) await pause()
  }
  for (const passage of passages) {
    passage.text = strings[passage.input].slice(passage.start, passage.end)
    const others = passage.contributions.reduce((sum, value) => sum + value, 0) - passage.contributions[winner]
    passage.contribution = passage.contributions[winner] - (nClasses > 1 ? others / (nClasses - 1) : 0)
  }
  passages.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
  return { bias, logits, tokens: described, passages }
}
