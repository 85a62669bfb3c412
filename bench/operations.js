/**
 * Operations and bytes of a forward pass, counted from its equations.
 *
 * A multiply-add counts as two operations. Only the matrix products count: what LayerNorm, softmax and GELU do beside
 * them is work that the share of the peak has to pay for. Bytes are those that have to come from or go to memory
 * beyond the caches if each layer is one sweep over x: x itself, E and the embeddings; the other weights stay in cache.
 */

/** @typedef {import('../wasm/index.js').Config} Config */

/**
 * @param {Config} config of n_max tokens, all of them read
 * @param {number} [elementBytes] of E and the embeddings: 4, or 1 for int8
 * @returns {Record<'embed' | 'projection' | 'keys and values' | 'query and output' | 'attention' | 'feed-forward' | 'head', { operations: number, bytes: number, exponentials: number }>}
 */
export function stages(config, elementBytes = 4) {
  const { n_max: n, d_model: d, d_ff: dFf, n_layers: layers, n_heads: heads, n_classes: classes, attention, k } = config
  const linformer = attention === 'linformer'
  const sum = (/** @type {(k: number) => number} */ of) => k.reduce((total, rows) => total + of(linformer ? rows : n), 0)
  const x = 4 * n * d
  const learned = linformer && config.projection === 'linear'
  return {
    embed: { operations: 0, bytes: 2 * elementBytes * n * d + x, exponentials: 0 },
    projection: { operations: learned ? sum((rows) => 2 * n * rows * d) : 0, bytes: learned ? sum((rows) => elementBytes * n * rows) : 0, exponentials: 0 },
    'keys and values': { operations: sum((rows) => 4 * rows * d * d), bytes: linformer ? 0 : layers * x, exponentials: 0 },
    'query and output': { operations: layers * 4 * n * d * d, bytes: layers * 2 * x, exponentials: 0 },
    attention: { operations: sum((rows) => 4 * n * rows * d), bytes: 0, exponentials: sum((rows) => n * rows * heads) },
    'feed-forward': { operations: layers * 4 * n * d * dFf, bytes: 0, exponentials: layers * n * dFf },
    head: { operations: 2 * n * d * classes, bytes: 0, exponentials: 0 }
  }
}

/** Operations of the whole forward pass. @param {Config} config */
export const operations = (config) => Object.values(stages(config)).reduce((total, stage) => total + stage.operations, 0)
