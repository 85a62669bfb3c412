/**
 * What runs in a worker of the web: a whole file for `new Worker(..., { type: 'module' })`.
 */
import { serve } from './hosts/worker-serve.js'
import { inspect, load } from './index.js'

const scope = /** @type {any} */ (globalThis)
const receive = serve({ load, inspect }, (message) => scope.postMessage(message))
scope.addEventListener('message', (/** @type {MessageEvent} */ { data }) => { void receive(data) })
// A message that is lost would leave its call waiting for ever.
scope.addEventListener('messageerror', () => { throw new Error('a message could not be read') })
