/** Long work on the page's own thread, in slices that leave it free for the reader's scrolling and typing. */

const SLICE_MS = 6

/**
 * A function to await as often as you like: once a slice has passed it lets everything else have its turn.
 *
 * @param {AbortSignal} [signal] makes it throw
 * @returns {() => Promise<void> | undefined}
 */
export function createPause(signal) {
  let started = performance.now()
  return () => {
    signal?.throwIfAborted()
    if (performance.now() - started < SLICE_MS) return undefined
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        started = performance.now()
        resolve()
      }
      port2.postMessage(undefined)
    })
  }
}

const FRAME_MS = 100 // a page in the background gets no frames

/** When what was changed so far has been laid out and drawn. @returns {Promise<void>} */
export function nextFrame() {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FRAME_MS)
    requestAnimationFrame(() => {
      clearTimeout(timer)
      setTimeout(resolve)
    })
  })
}
