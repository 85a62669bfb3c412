/**
 * What a thread of the engine runs in a worker of the web: a whole file for `new Worker(..., { type: 'module' })`.
 */
import { serveThread } from '../engine/threads.js'

globalThis.addEventListener('message', (/** @type {MessageEvent} */ { data }) => serveThread(data, () => globalThis.postMessage('ready')))
