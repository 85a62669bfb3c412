/**
 * The worker's side: answers the messages that worker-connection.js describes.
 */
import { LinformerError } from '../common/errors.js'
import { Feed } from './feed.js'

/**
 * @typedef {import('../index.js').Classifier} Classifier
 * @typedef {import('../index.js').Example} Example
 * @typedef {import('../index.js').Input} Input
 * @typedef {import('../index.js').ProgressEvent} ProgressEvent
 * @typedef {import('../index.js').Source} Source
 *
 * What comes, as worker-connection.js has it.
 * @typedef {{ call: string, head: number, heads?: number[], source: Source, examples: Example[] | number, document: Input, options: import('../index.js').LoadOptions, index?: number, count?: number }} Message
 */

/**
 * @param {unknown} error
 * @returns {import('./worker-connection.js').PlainError} what can be sent of it
 */
function plain(error) {
  const cause = error instanceof Error && error.cause !== undefined ? String(error.cause) : undefined
  if (error instanceof LinformerError) return { code: error.code, message: error.message, details: error.details, cause }
  return error instanceof Error ? { name: error.name, message: error.message, cause } : { name: 'Error', message: String(error) }
}

/** What can be sent of a classifier: all but its functions. @param {Classifier} classifier */
const describe = (classifier) => Object.fromEntries(Object.entries(classifier).filter(([, value]) => typeof value !== 'function'))

/**
 * Bytes of a response come with its name, for messages, and its URL, beside which a head's trunk may be.
 *
 * @template T
 * @param {T} source
 * @returns {T | Blob}
 */
function sourceOf(source) {
  const { bytes, name, url } = /** @type {{ bytes?: unknown, name?: string, url?: string }} */ (source ?? {})
  return bytes instanceof Uint8Array ? Object.assign(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)]), { name, url }) : source
}

/**
 * Answers one client, which loads one model.
 *
 * @param {Pick<typeof import('../index.js'), 'load' | 'inspect'>} api
 * @param {(message: unknown) => void} post
 * @returns {(message: Message & { id: number, progress: boolean }) => void} takes the client's messages
 */
export function serve({ load, inspect }, post) {
  /** By number; 0 is the loaded model's. @type {Map<number, Classifier>} */
  const classifiers = new Map()
  let next = 0
  /** Examples that are being taught. @type {Map<number, Feed>} */
  const feeds = new Map()
  /** @type {Map<number, AbortController>} */
  const running = new Map()

  /** @param {Classifier} classifier */
  const keep = (classifier) => {
    const number = next++
    classifiers.set(number, classifier)
    return { number, description: describe(classifier) }
  }

  /** @param {number} number @returns {Classifier} */
  const classifierOf = (number) => {
    const found = classifiers.get(number)
    if (found === undefined) throw new LinformerError('DISPOSED', 'this classifier has been disposed of')
    return found
  }

  /** @param {Example[] | number} examples all of them, or the number under which they come one by one */
  const feedOf = (examples) => {
    if (typeof examples !== 'number') return { values: examples, end() {} }
    const values = new Feed()
    feeds.set(examples, values)
    const end = () => {
      values.end()
      feeds.delete(examples)
    }
    return { values: /** @type {AsyncIterable<Example>} */ (values), end }
  }

  /** @param {Message} message @param {{ signal: AbortSignal, onProgress?: (event: ProgressEvent) => void }} callbacks */
  async function answer({ call, head, heads, source, examples, document, options, index, count }, { signal, onProgress }) {
    const place = onProgress && ((/** @type {ProgressEvent} */ event) => onProgress({ ...event, index, count }))
    switch (call) {
      case 'inspect': return inspect(sourceOf(source), { ...options, wasm: sourceOf(options.wasm), signal, onProgress })
      case 'load': return keep(await load(sourceOf(source), { ...options, wasm: sourceOf(options.wasm), signal, onProgress })).description
      case 'attach': return keep(await classifierOf(0).attach(sourceOf(source), { ...options, signal }))
      case 'export': return classifierOf(head ?? 0).export(head === undefined ? sourceOf(source) : undefined, { ...options, signal })
      case 'teach': {
        const feed = feedOf(examples)
        try {
          return await classifierOf(head).teach(feed.values, { ...options, signal, onProgress })
        } finally {
          feed.end()
        }
      }
      case 'example': return feeds.get(Number(examples))?.put(/** @type {IteratorResult<unknown>} */ (/** @type {unknown} */ (document)))
      case 'embed': return classifierOf(head).embed(document, { ...options, signal, onProgress: place })
      case 'detach':
        classifierOf(head).dispose()
        classifiers.delete(head)
        return
      default: {
        const own = { ...options, signal, onProgress: place }
        return heads === undefined ? classifierOf(head).classify(document, own) : classifierOf(head).classify(document, { ...own, heads: heads.map(classifierOf) })
      }
    }
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
