/** The classifier of the page: one at a time, loaded in a worker for the model and the budget that are chosen. */
import { load } from '../wasm/worker.js'

/** @typedef {import('../wasm/index.js').Classifier} Classifier */

/** Each has to start before the first verdict, and a document has work for so many. */
const MOST_THREADS = 8
/** How long a worker may be silent while it loads. */
const PATIENCE_MS = 10_000

/** @type {{ key: string, classifier: Classifier } | undefined} */
let current

/**
 * @param {import('./models.js').Model} model
 * @param {number} memoryBudget bytes
 * @param {{ signal: AbortSignal, onProgress: (event: import('../wasm/index.js').ProgressEvent) => void }} options
 * @returns {Promise<Classifier>}
 */
export async function classifierFor(model, memoryBudget, options) {
  const key = `${model.id} ${memoryBudget}`
  if (current?.key === key) return current.classifier
  close()
  const threads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1
  const classifier = await loadPatiently(new URL(model.file, document.baseURI), { memoryBudget, threads }, options)
  current = { key, classifier }
  return classifier
}

/**
 * Loads, and once more with a new worker and one thread if nothing is heard of the first: Firefox, once in some ten visits,
 * starts a worker or a worker's workers late or never, and says nothing.
 *
 * @param {URL} source
 * @param {{ memoryBudget: number, threads: number }} plan
 * @param {{ signal: AbortSignal, onProgress: (event: import('../wasm/index.js').ProgressEvent) => void }} options
 * @returns {Promise<Classifier>}
 */
async function loadPatiently(source, plan, { signal, onProgress }) {
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

export const isLoaded = () => current !== undefined

/** Gives the memory back; the next call loads anew. */
export function close() {
  current?.classifier.dispose()
  current = undefined
}
