/**
 * linformer-wasm/worker for browsers: the same API, its work done in a module worker. Documented in worker.d.ts.
 */
import { LinformerError } from './errors.js'
import { createWorkerApi } from './worker-client.js'

/** @type {import('./worker-client.js').Host} */
const host = {
  start(given, listener) {
    if (given === undefined && typeof Worker === 'undefined') {
      throw new LinformerError('UNSUPPORTED', 'this host has no Worker; load from linformer-wasm instead')
    }
    // Written out, so that bundlers see it.
    const worker = /** @type {Worker} */ (given) ?? new Worker(new URL('./worker-host.js', import.meta.url), { type: 'module' })
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

export { LinformerError } from './errors.js'
export { tensorShapes } from './model.js'
export { version } from './version.js'
export const { load, inspect } = createWorkerApi(host)
