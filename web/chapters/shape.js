/**
 * The network that the chapter on speed times, in both kinds, and where its work is done.
 *
 * The engine tells how many tiles it has done, of all passes over the document (src/encoder.c). The passes take unlike times:
 * nearly all of a Transformer's lies in the passes that attend. So a share of tiles becomes a share of the work, in
 * multiply-adds, which grows evenly with time; that is what a race can be drawn by, and an end foretold.
 *
 * @typedef {import('../wasm/index.js').Config['attention']} Attention
 */

export const K = 128
export const SHAPE = {
  d_model: 128, n_layers: 2, n_heads: 4, d_ff: 512, n_classes: 2, sharing: /** @type {const} */ ('layerwise'), projection: /** @type {const} */ ('linear')
}

/** What an n × n matrix of attention for each head takes, in bytes: 4-byte numbers. @param {number} n */
export const matrixBytes = (n) => 4 * n * n * SHAPE.n_heads

/** The same with k columns. @param {number} n */
export const rowBytes = (n) => 4 * n * Math.min(K, n) * SHAPE.n_heads

/**
 * @param {Attention} attention
 * @param {number} n tokens
 * @param {number} [k]
 * @returns {number[]} multiply-adds of each pass over the document
 */
export function passes(attention, n, k = Math.min(K, n)) {
  const { d_model: d, n_layers: layers, d_ff: dFf } = SHAPE
  const [projection, rows] = [n * k * d, attention === 'full' ? n : k]
  const layer = n * (2 * d * d + 2 * d * dFf + 2 * rows * d) // query, output; feed-forward; scores, context
  const made = attention === 'full' ? [0] : [projection]
  for (let l = 0; l < layers; l++) {
    if (attention === 'full') made.push(2 * n * d * d, layer)
    else made.push(layer + 2 * k * d * d + (l + 1 < layers ? projection : 0))
  }
  return made
}

/**
 * @param {Attention} attention
 * @param {number} n tokens
 * @param {number} share of the tiles of all passes, 0 to 1
 * @returns {number} share of the multiply-adds, 0 to 1
 */
export function workDone(attention, n, share) {
  const costs = passes(attention, n)
  const at = Math.min(1, Math.max(0, share)) * costs.length
  let done = 0
  for (const [pass, cost] of costs.entries()) done += cost * Math.min(1, Math.max(0, at - pass))
  return done / costs.reduce((sum, cost) => sum + cost, 0)
}
