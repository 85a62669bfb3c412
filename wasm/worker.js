/**
 * linformer-wasm/worker for browsers: the same API, its work done in a module worker. Documented in worker.d.ts.
 */
import { LinformerError } from './common/errors.js'
import { createWorkerApi } from './hosts/worker-client.js'

/** @returns {Worker} */
function startOwn() {
  try {
    // Written out, so that bundlers see it.
    return new Worker(new URL('./worker-host.js', import.meta.url), { type: 'module' })
  } catch (error) {
    // A library that comes from another origin than the page, from a CDN for one, may start no worker.
    const message = `the worker could not be started: ${error instanceof Error ? error.message : error}; pass one of this page's origin as worker`
    throw new LinformerError('WORKER_FAILED', message, {}, { cause: error })
  }
}

/** @type {import('./hosts/worker-client.js').Host} */
const host = {
  start(given, listener) {
    if (given === undefined && typeof Worker === 'undefined') {
      throw new LinformerError('UNSUPPORTED', 'this host has no Worker; load from linformer-wasm instead')
    }
    const worker = /** @type {Worker} */ (given) ?? startOwn()
    worker.addEventListener('message', ({ data }) => listener.message(data))
    worker.addEventListener('messageerror', () => listener.failed('sent what could not be read'))
    worker.addEventListener('error', (event) => {
      // A script that was not found or not allowed has no message.
      listener.failed(event.message ? `died: ${event.message}` : 'could not be started: is its script missing, or forbidden by the page\'s policy?', event.error)
    })
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer),
      terminate: () => worker.terminate(),
      keepAlive: () => {}
    }
  },
  resolve(source) {
    try {
      return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href).href
    } catch {
      return source
    }
  }
}

export { LinformerError } from './common/errors.js'
export { shippedModels } from './hosts/shipped.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { version } from './common/version.js'
export const { load, inspect } = createWorkerApi(host)
