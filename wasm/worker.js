/**
 * linformer-wasm/worker for browsers: the same API, its work done in a module worker. Documented in worker.d.ts.
 */
import { LinformerError } from './common/errors.js'
import { foreignScript } from './hosts/foreign.js'
import { createWorkerApi } from './hosts/worker-client.js'
import { checkWorker } from './hosts/worker-connection.js'

/** What to look for when a worker's script does not start. It then has no message of its own. */
const SCRIPT_FAILED = "could not be started: is its script missing, or forbidden by the page's policy?"
/** And on a page that requires it of all that it loads. */
const ISOLATED = " (this page is cross-origin isolated: the script has to come with the header Cross-Origin-Embedder-Policy too)"

const failedHere = () => SCRIPT_FAILED + (globalThis.crossOriginIsolated ? ISOLATED : '')

/** @returns {{ worker: Worker, scriptFailed: string }} */
function startOwn() {
  const foreign = foreignScript('./worker-host.js', import.meta.url)
  try {
    if (foreign === undefined) {
      // Written out, so that bundlers see it.
      return { worker: new Worker(new URL('./worker-host.js', import.meta.url), { type: 'module' }), scriptFailed: failedHere() }
    }
    const { origin } = new URL(foreign.script)
    const scriptFailed = `could not be started: it imports ${foreign.script}, which has to be there, with CORS headers; and a policy has to allow worker-src blob: ${origin}`
    return { worker: new Worker(foreign.address, { type: 'module' }), scriptFailed }
  } catch (error) {
    const message = `the worker could not be started: ${error instanceof Error ? error.message : error}; pass one of your own as worker`
    throw new LinformerError('WORKER_FAILED', message, {}, { cause: error })
  }
}

/** @type {import('./hosts/worker-connection.js').Host} */
const host = {
  start(given, listener) {
    if (given === undefined && typeof Worker === 'undefined') {
      throw new LinformerError('UNSUPPORTED', 'this host has no Worker; load from linformer-wasm instead')
    }
    const { worker, scriptFailed } = given !== undefined && given !== null ? { worker: /** @type {Worker} */ (given), scriptFailed: failedHere() } : startOwn()
    checkWorker(worker, ['addEventListener', 'postMessage', 'terminate'])
    worker.addEventListener('message', ({ data }) => listener.message(data))
    worker.addEventListener('messageerror', () => listener.failed('sent what could not be read'))
    worker.addEventListener('error', (event) => {
      listener.failed(event.message ? `died: ${event.message}` : scriptFailed, event.error)
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

export { lowTypicality } from './classify/typicality.js'
export { LinformerError } from './common/errors.js'
export { shippedModels } from './hosts/shipped.js'
export { tensorShapes } from './source/config.js'
export { readSafetensors, tensorValues, writeSafetensors } from './source/safetensors.js'
export { evaluate } from './teach/evaluate.js'
export { version } from './common/version.js'
export const { load, inspect } = createWorkerApi(host)
