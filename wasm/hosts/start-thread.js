/**
 * Starts threads of the engine as workers of the web.
 */
import { foreignScript } from './foreign.js'

/** @type {import('../engine/threads.js').StartThread} */
export function startThread({ ready, failed }) {
  const foreign = foreignScript('./thread.js', import.meta.url)
  const worker = foreign
    ? new Worker(foreign.address, { type: 'module' })
    : new Worker(new URL('./thread.js', import.meta.url), { type: 'module' }) // written out, so that bundlers see it
  worker.addEventListener('message', ready)
  worker.addEventListener('messageerror', () => failed('sent what could not be read'))
  worker.addEventListener('error', ({ message }) => failed(message || 'its script is missing, or forbidden by the page\'s policy'))
  return { post: (job) => worker.postMessage(job), terminate: () => worker.terminate() }
}
