/** The worker's side of messenger.js: a file that is a worker calls `serve` with its functions. Calls are answered one after another. */

/**
 * @typedef {(args: never, progress: (event: unknown) => void) => unknown} Served each takes what the page sends it
 *
 * @param {Record<string, Served>} functions by name; what they return is sent to the page, copied
 */
export function serve(functions) {
  /** @param {{ id: number, name: string, args: unknown }} call */
  async function answer({ id, name, args }) {
    try {
      postMessage({ id, value: await functions[name](/** @type {never} */ (args), (progress) => postMessage({ id, progress })) })
    } catch (error) {
      const { message = String(error), details } = /** @type {{ message?: string, details?: Record<string, unknown> }} */ (error)
      postMessage({ id, error: { message, details } })
    }
  }
  let last = Promise.resolve()
  addEventListener('message', ({ data }) => {
    if (typeof data.id !== 'number' || !Object.hasOwn(functions, data.name)) return // not from messenger.js
    last = last.then(() => answer(data)).catch(console.error) // one that cannot be answered holds up no other
  })
}
