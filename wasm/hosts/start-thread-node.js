/**
 * Starts threads of the engine as worker threads of Node.js.
 */
import { Worker } from 'node:worker_threads'

/** @type {import('../engine/threads.js').StartThread} */
export function startThread({ ready, failed }) {
  // The options of the process are not the worker's: --input-type, for one, would keep it from starting.
  const worker = new Worker(new URL('./thread-node.js', import.meta.url), { execArgv: [] })
  worker.once('message', () => {
    worker.unref() // the process need not wait for a thread that waits for work
    ready()
  })
  worker.on('error', (error) => failed(error.message))
  worker.on('exit', (status) => failed(`ended with exit status ${status}`))
  return { post: (job) => worker.postMessage(job), terminate: () => { void worker.terminate() } }
}
