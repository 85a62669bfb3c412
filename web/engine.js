/** The classifier of the page: one at a time, loaded in a worker for the model and the budget that are chosen. */
import { load } from './wasm/worker.js'

/** @typedef {import('./wasm/index.js').Classifier} Classifier */

/** Each has to start before the first verdict, and a document has work for so many. */
const MOST_THREADS = 8
/** How long the threads may take to start. */
const PATIENCE_MS = 5000

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
  const classifier = await loadWith(new URL(model.file, document.baseURI), memoryBudget, threads, options)
  current = { key, classifier }
  return classifier
}

/**
 * Loads with threads, or, where the browser does not start them, without: some start a worker's workers late or never, and
 * say nothing.
 *
 * @param {URL} source
 * @param {number} memoryBudget
 * @param {number} threads
 * @param {{ signal: AbortSignal, onProgress: (event: import('./wasm/index.js').ProgressEvent) => void }} options
 * @returns {Promise<Classifier>}
 */
async function loadWith(source, memoryBudget, threads, { signal, onProgress }) {
  const patience = new AbortController()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  try {
    return await load(source, {
      memoryBudget,
      threads,
      signal: AbortSignal.any([signal, patience.signal]),
      onProgress(event) {
        onProgress(event)
        // The weights are the last that is told; what remains is the start of the threads.
        if (threads > 1 && event.phase === 'weights' && event.done === event.total) timer = setTimeout(() => patience.abort(), PATIENCE_MS)
      }
    })
  } catch (error) {
    if (!patience.signal.aborted || signal.aborted) throw error
    return loadWith(source, memoryBudget, 1, { signal, onProgress })
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
