/**
 * Starts threads of the engine as workers of the web.
 */

/** @type {import('../engine/threads.js').StartThread} */
export function startThread({ ready, failed }) {
  // Written out, so that bundlers see it.
  const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' })
  worker.addEventListener('message', ready)
  worker.addEventListener('messageerror', () => failed('sent what could not be read'))
  worker.addEventListener('error', ({ message }) => failed(message || 'its script is missing, or forbidden by the page\'s policy'))
  return { post: (job) => worker.postMessage(job), terminate: () => worker.terminate() }
}
