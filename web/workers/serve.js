/** The worker's side of messenger.js: a file that is a worker calls `serve` with its functions. */

/**
 * @typedef {(args: never, progress: (event: unknown) => void) => unknown} Served each takes what the page sends it
 *
 * @param {Record<string, Served>} functions by name; what they return is sent to the page, copied
 */
export function serve(functions) {
  addEventListener('message', async ({ data: { id, name, args } }) => {
    if (typeof id !== 'number' || !Object.hasOwn(functions, name)) return // not from messenger.js
    try {
      postMessage({ id, value: await functions[name](/** @type {never} */ (args), (progress) => postMessage({ id, progress })) })
    } catch (error) {
      const { message = String(error), details } = /** @type {{ message?: string, details?: Record<string, unknown> }} */ (error)
      postMessage({ id, error: { message, details } })
    }
  })
}
