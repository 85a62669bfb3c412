/**
 * What runs in a worker thread of Node.js.
 */
import { parentPort } from 'node:worker_threads'
import { serve } from './hosts/worker-serve.js'
import { inspect, load } from './node.js'

if (parentPort === null) throw new Error('this file is for a worker thread')
const port = parentPort
const receive = serve({ load, inspect }, (message) => port.postMessage(message))
port.on('message', (message) => { void receive(message) })
// A message that is lost would leave its call waiting for ever.
port.on('messageerror', (error) => { throw error })
