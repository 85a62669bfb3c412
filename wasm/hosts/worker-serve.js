/**
 * The worker's side: answers the messages that worker-client.js describes.
 */
import { LinformerError } from '../common/errors.js'

/**
 * @param {unknown} error
 * @returns {import('./worker-client.js').PlainError} what can be sent of it
 */
function plain(error) {
  const cause = error instanceof Error && error.cause !== undefined ? String(error.cause) : undefined
  if (error instanceof LinformerError) return { code: error.code, message: error.message, details: error.details, cause }
  return error instanceof Error ? { name: error.name, message: error.message, cause } : { name: 'Error', message: String(error) }
}

/**
 * Answers one client, which loads one model.
 *
 * @param {{ load: (source: any, options?: any) => Promise<any>, inspect: (source: any, options?: any) => Promise<any> }} api
 * @param {(message: unknown) => void} post
 * @returns {(message: any) => void} takes the client's messages
 */
export function serve({ load, inspect }, post) {
  /** @type {import('../index.js').Classifier | undefined} */
  let classifier
  /** @type {Map<number, AbortController>} */
  const running = new Map()

  /** @param {any} message @param {{ signal: AbortSignal, onProgress?: (event: any) => void }} callbacks */
  async function answer({ call, source, document, options, index, count }, callbacks) {
    // Bytes of a response come with its name, for messages.
    const given = source?.bytes instanceof Uint8Array ? Object.assign(new Blob([source.bytes]), { name: source.name }) : source
    if (call === 'inspect') return inspect(given, { ...options, ...callbacks })
    if (call === 'load') {
      classifier = await load(given, { ...options, ...callbacks })
      // What can be sent of it: all but its functions.
      return Object.fromEntries(Object.entries(/** @type {object} */ (classifier)).filter(([, value]) => typeof value !== 'function'))
    }
    if (classifier === undefined) throw new LinformerError('DISPOSED', 'this worker has no model')
    const place = (/** @type {any} */ event) => callbacks.onProgress?.({ ...event, index, count })
    return classifier.classify(document, { ...options, signal: callbacks.signal, onProgress: callbacks.onProgress && place })
  }

  return async (message) => {
    const { id, call, progress } = message
    if (call === 'abort') {
      running.get(id)?.abort()
      return
    }
    const controller = new AbortController()
    running.set(id, controller)
    const onProgress = progress ? (/** @type {unknown} */ event) => post({ id, progress: event }) : undefined
    try {
      post({ id, value: await answer(message, { signal: controller.signal, onProgress }) })
    } catch (error) {
      post({ id, error: plain(error) })
    } finally {
      running.delete(id)
    }
  }
}
