/**
 * The word head: TF-IDF of the tokens themselves, over the whole document. v_i = sqrt(tf_i) idf_i, made to have length 1.
 */

/** @typedef {import('../source/head.js').Words} Words */

/** Tokens between two pauses. */
const TOKENS_PER_SLICE = 65536

/**
 * @param {Words} words
 * @param {Int32Array} ids of the whole document
 * @param {number} classes
 * @param {() => Promise<void>} pause
 * @returns {Promise<{ logits: Float64Array, share: (id: number, c: number) => number }>} what is added to each logit; and of that,
 *   what one occurrence of a token has
 */
export async function readWords({ rows, idf, weight }, ids, classes, pause) {
  /** @type {Map<number, number>} */
  const counts = new Map()
  for (const [t, id] of ids.entries()) {
    const row = rows.get(id)
    if (row !== undefined) counts.set(row, (counts.get(row) ?? 0) + 1)
    if (t % TOKENS_PER_SLICE === 0) await pause()
  }
  const ordered = [...counts].sort(([a], [b]) => a - b) // the same sums, whatever order the tokens come in
  let squares = 0
  for (const [row, count] of ordered) squares += count * idf[row] ** 2
  const length = Math.sqrt(squares)
  const logits = new Float64Array(classes)
  if (length === 0) return { logits, share: () => 0 }
  for (const [row, count] of ordered) {
    const value = Math.sqrt(count) * idf[row] / length
    for (let c = 0; c < classes; c++) logits[c] += value * weight[row * classes + c]
  }
  return {
    logits,
    share(id, c) {
      const row = rows.get(id)
      return row === undefined ? 0 : idf[row] / (Math.sqrt(counts.get(row) ?? 1) * length) * weight[row * classes + c]
    }
  }
}
