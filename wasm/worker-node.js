/**
 * linformer-wasm/worker for Node.js: the same API, its work done in a worker thread.
 */
import { Worker } from 'node:worker_threads'
import { createWorkerApi } from './hosts/worker-client.js'
import { checkWorker } from './hosts/worker-connection.js'

/** @type {import('./hosts/worker-connection.js').Host} */
const host = {
  start(given, listener) {
    // The options of the process are not the worker's: --input-type, for one, would keep it from starting.
    const worker = /** @type {Worker} */ (given) ?? new Worker(new URL('./worker-host-node.js', import.meta.url), { execArgv: [] })
    checkWorker(worker, ['on', 'postMessage', 'terminate', 'ref', 'unref'])
    worker.on('message', listener.message)
    worker.on('messageerror', (error) => listener.failed('sent what could not be read', error))
    worker.on('error', (error) => listener.failed(`died: ${error.message}`, error))
    worker.on('exit', (status) => listener.failed(`ended with exit status ${status}`))
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer),
      terminate: () => { void worker.terminate() },
      keepAlive: (busy) => busy ? worker.ref() : worker.unref()
    }
  },
  resolve: (source) => source
}

export { lowTypicality } from './classify/typicality.js'
export { LinformerError } from './common/errors.js'
export { shippedModels } from './hosts/shipped.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
export const { load, inspect } = createWorkerApi(host)
