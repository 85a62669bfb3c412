/**
 * What runs in a worker of the web: a whole file for `new Worker(..., { type: 'module' })`.
 */
import { serve } from './hosts/worker-serve.js'
import { inspect, load } from './index.js'

const receive = serve({ load, inspect }, (message) => globalThis.postMessage(message))
globalThis.addEventListener('message', (/** @type {MessageEvent} */ { data }) => { void receive(data) })
// A message that is lost would leave its call waiting for ever.
globalThis.addEventListener('messageerror', () => { throw new Error('a message could not be read') })
