/** The classifier of the page: one at a time, loaded in a worker for the model and the budget that are chosen. */
import { load } from './wasm/worker.js'

/** @typedef {import('./wasm/index.js').Classifier} Classifier */

/** Each has to start before the first verdict, and a document has work for so many. */
const MOST_THREADS = 8

/** @type {{ key: string, classifier: Classifier } | undefined} */
let current

/**
 * @param {import('./models.js').Model} model
 * @param {number} memoryBudget bytes
 * @param {{ signal: AbortSignal, onProgress: (event: import('./wasm/index.js').ProgressEvent) => void }} options
 * @returns {Promise<Classifier>}
 */
export async function classifierFor(model, memoryBudget, options) {
  const key = `${model.id} ${memoryBudget}`
  if (current?.key === key) return current.classifier
  close()
  const threads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1
  const classifier = await load(new URL(model.file, document.baseURI), { memoryBudget, threads, ...options })
  current = { key, classifier }
  return classifier
}

export const isLoaded = () => current !== undefined

/** Gives the memory back; the next call loads anew. */
export function close() {
  current?.classifier.dispose()
  current = undefined
}
