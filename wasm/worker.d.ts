/**
 * The same API, its work done in a worker of its own for each classifier: the caller's thread stays free throughout.
 *
 * @module linformer-wasm/worker
 */
import type { Classifier, Inspection, LoadOptions, Source } from './index.js'

export * from './index.js'

/** A Worker of the web, or of Node's worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: readonly object[]): void
  terminate(): unknown
}

export interface WorkerLoadOptions extends LoadOptions {
  /**
   * The worker, instead of one made from the file beside the library: for bundlers that do not see that file. Its script
   * is the package's `linformer-wasm/worker-host` alone; `dispose` terminates it.
   */
  worker?: WorkerLike
  /** Hand ArrayBuffers of `source` and `wasm` over to the worker instead of copying them; they are empty here then. */
  transfer?: boolean
}

/**
 * Loads a model file in a worker. Relative URLs are resolved here, against the page.
 *
 * Texts are copied to the worker and results back. An abort rejects at once, and the worker stops within a slice of
 * work; `dispose` terminates it. If it dies, every call is rejected with WORKER_FAILED.
 *
 * @throws LinformerError as `load` of linformer-wasm, and WORKER_FAILED
 */
export function load(source: Source, options?: WorkerLoadOptions): Promise<Classifier>

/** Reads a model file's description in a worker that ends with it. */
export function inspect(source: Source, options?: WorkerLoadOptions): Promise<Inspection>
