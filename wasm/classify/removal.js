/**
 * What a document says without one of its passages: each is taken out, and the rest is read anew. Exact, and as costly as it sounds.
 */
import { isEmpty } from './inputs.js'
import { indexOfBest, scoresOf } from './result.js'

/**
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').Passage} Passage
 * @typedef {import('../index.js').Result} Result
 * @typedef {import('../engine/heads.js').Judgement} Judgement
 * @typedef {import('../engine/heads.js').PlacedHead} PlacedHead
 * @typedef {import('./inputs.js').Document} Document
 * @typedef {import('./trunk.js').Trunk} Trunk
 * @typedef {import('./trunk.js').Turn} Turn
 */

/** Passages that are taken out unless the caller says how many. */
const REMOVALS = 16

/** @param {Document} document @param {Passage} passage @returns {Document} */
function without(document, { input, start, end }) {
  if ('tokens' in document) {
    const rest = document.tokens.slice(0, document.tokens.length - (end - start))
    rest.set(document.tokens.subarray(end), start)
    return { tokens: rest }
  }
  const cut = (/** @type {string} */ text) => text.slice(0, start) + text.slice(end)
  return input === 'text' ? { ...document, text: cut(document.text) } : { ...document, textPair: cut(document.textPair ?? '') }
}

/**
 * Adds the removals to the explanation of a result, for the passages that contribute most.
 *
 * @param {Trunk} trunk
 * @param {PlacedHead} placed
 * @param {Document} document
 * @param {Result} result
 * @param {ClassifyOptions} options
 * @param {Turn} turn
 */
export async function addRemovals(trunk, placed, document, { label, explanation }, { overflow, removals = REMOVALS }, turn) {
  if (explanation === undefined) return
  const { head } = placed
  const { logits, passages } = explanation
  const winner = head.labels.indexOf(label)
  const chosen = passages.slice(0, removals).map((passage) => ({ passage, rest: without(document, passage) }))
    .filter(({ rest }) => !isEmpty(rest)) // of nothing, nothing can be said
  const ask = { heads: [placed], offsets: false, contributions: false, each: false, pooled: false }
  const quiet = { ...turn, progress: () => {} }
  for (const [done, { passage, rest }] of chosen.entries()) {
    turn.progress({ phase: 'removal', done, total: chosen.length })
    const { judgements } = await trunk.read(rest, overflow, ask, quiet)
    const judgement = /** @type {Judgement} */ (judgements.get(placed))
    const scores = scoresOf(head, judgement.logits)
    passage.removal = {
      label: head.labels[indexOfBest(scores)],
      score: scores[winner],
      effects: logits.map((logit, c) => logit - judgement.logits[c])
    }
  }
  turn.progress({ phase: 'removal', done: chosen.length, total: chosen.length })
}
