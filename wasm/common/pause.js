/**
 * Giving the event loop its turn between slices of work, so that pages stay responsive and abort signals arrive.
 */

const SLICE_MS = 8

/**
 * Resolves in a later task. Timers would do it too, but browsers hold nested ones back by 4 ms and more;
 * scheduler.yield goes on before the page is painted, so that a progress bar would stand still.
 *
 * @returns {Promise<void>}
 */
function nextTask() {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve)
      return
    }
    if (typeof MessageChannel === 'undefined') { // Cloudflare Workers
      setTimeout(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

/**
 * A pause to take as often as you like: it lets the event loop run once a slice, and checks each time.
 *
 * @param {() => void} check throws to stop the work
 * @returns {() => Promise<void>}
 */
export function createPause(check) {
  let started = performance.now()
  return async () => {
    check()
    if (performance.now() - started < SLICE_MS) return
    await nextTask()
    started = performance.now()
    check()
  }
}
