/**
 * What a thread of the engine runs in a worker thread of Node.js.
 */
import { parentPort } from 'node:worker_threads'
import { serveThread } from '../engine/threads.js'

if (parentPort === null) throw new Error('this file is for a worker thread')
const port = parentPort
port.once('message', (job) => serveThread(job, () => port.postMessage('ready')))
