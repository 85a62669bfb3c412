/** Loading with a second try. */
import { load } from '../wasm/worker.js'

/** @typedef {import('../wasm/index.js').ProgressEvent} ProgressEvent */

/** How long a worker may be silent while it loads. */
const PATIENCE_MS = 10_000

/**
 * Loads, and once more with a new worker and one thread if nothing is heard of the first: Firefox, once in some ten visits,
 * starts a worker or a worker's workers late or never, and says nothing.
 *
 * @param {import('../wasm/index.js').Source} source
 * @param {{ memoryBudget: number, threads: number, headRoom?: number }} plan
 * @param {{ signal: AbortSignal, onProgress: (event: ProgressEvent) => void }} options
 * @returns {Promise<import('../wasm/index.js').Classifier>}
 */
export async function loadPatiently(source, plan, { signal, onProgress }) {
  const patience = new AbortController()
  let timer = setTimeout(() => patience.abort(), PATIENCE_MS)
  try {
    return await load(source, {
      ...plan,
      signal: AbortSignal.any([signal, patience.signal]),
      onProgress(event) {
        clearTimeout(timer)
        timer = setTimeout(() => patience.abort(), PATIENCE_MS)
        onProgress(event)
      }
    })
  } catch (error) {
    if (!patience.signal.aborted || signal.aborted) throw error
    return load(source, { ...plan, threads: 1, signal, onProgress })
  } finally {
    clearTimeout(timer)
  }
}
