/**
 * The same as a classifier of classify/classifier.js, its work done in a worker.
 */
import { asOptions, checkCallbacks, eachInput, notOnTrunk } from '../classify/inputs.js'
import { iteratorOf } from '../teach/examples.js'
import { checkTeachOptions } from '../teach/teach.js'
import { addDispose } from '../common/dispose.js'
import { INSIDE, insideOf } from '../common/kinds.js'
import { disposed, sendable } from './worker-connection.js'

/**
 * @typedef {import('../index.js').Classifier} Classifier
 * @typedef {import('../index.js').Result} Result
 * @typedef {import('./worker-connection.js').Connection} Connection
 * @typedef {{ connection: Connection, host: import('./worker-connection.js').Host }} Shared
 */

/** @param {object} value frozen with all that it holds */
function freeze(value) {
  for (const each of Object.values(value)) if (typeof each === 'object' && each !== null) freeze(each)
  return Object.freeze(value)
}

/**
 * @param {Shared} shared
 * @param {number} number of the classifier in the worker
 * @param {Record<string, unknown>} description its properties there
 * @returns {Classifier}
 */
export function createWorkerClassifier(shared, number, description) {
  const { connection, host } = shared
  for (const value of Object.values(description)) if (typeof value === 'object' && value !== null) freeze(value)
  const owner = number === 0
  let ended = false
  const check = () => {
    if (ended) throw disposed()
  }

  /** @param {Record<string, unknown> | undefined} inside of a classifier @param {string} name what it is called */
  const numberOf = (inside, name) => {
    if (inside?.connection !== connection) throw notOnTrunk(name)
    return inside.number
  }

  /**
   * @template T
   * @param {'classify' | 'embed'} call
   * @returns {import('../classify/inputs.js').Work<T>}
   */
  const calling = (call) => async (document, { signal, onProgress, heads, ...options }, index, count) => {
    check()
    const numbers = heads?.map((each, i) => numberOf(insideOf(each), `heads[${i}]`))
    return connection.call({ call, head: number, heads: numbers, document, options, index, count }, { signal, onProgress })
  }
  /** @type {import('../classify/inputs.js').Work<Result | Result[]>} */
  const classifyOne = calling('classify')
  /** @type {import('../classify/inputs.js').Work<Float32Array>} */
  const embedOne = calling('embed')

  /** @param {unknown} given */
  const callbacksOf = (given) => {
    const { signal, onProgress, ...options } = asOptions(given)
    checkCallbacks({ signal, onProgress })
    return { callbacks: /** @type {import('../classify/inputs.js').Callbacks} */ ({ signal, onProgress }), options }
  }

  /** @type {unknown} */
  const classifier = {
    ...description,

    classify: (/** @type {unknown} */ input, /** @type {unknown} */ options = {}) => eachInput(input, options, classifyOne),

    embed: (/** @type {unknown} */ input, /** @type {unknown} */ options = {}) => eachInput(input, options, embedOne),

    async attach(/** @type {unknown} */ source, /** @type {unknown} */ given = {}) {
      check()
      const { callbacks, options } = callbacksOf(given)
      const attached = await connection.call({ call: 'attach', source: await sendable(source, host, callbacks), options }, callbacks)
      const made = createWorkerClassifier(shared, attached.number, attached.description)
      if (ended) made.dispose()
      check()
      return made
    },

    async export(/** @type {unknown} */ source, /** @type {unknown} */ given = {}) {
      check()
      const { callbacks, options } = callbacksOf(given)
      const inside = insideOf(source)
      const head = source === undefined ? number : inside && numberOf(inside, 'head')
      const file = head === undefined ? await sendable(source, host, callbacks) : undefined
      return connection.call({ call: 'export', head, source: file, options }, callbacks)
    },

    async teach(/** @type {unknown} */ examples, /** @type {unknown} */ given = {}) {
      check()
      checkTeachOptions(given)
      const { callbacks, options } = callbacksOf(given)
      if (Array.isArray(examples)) return connection.call({ call: 'teach', head: number, examples, options }, callbacks)
      return teachStream(connection, number, iteratorOf(examples), options, callbacks)
    },

    /** Of the loaded model: ends the worker, and with it the memory. Calls under way are rejected with DISPOSED. */
    dispose() {
      if (ended) return
      ended = true
      if (owner) connection.end(disposed())
      else connection.call({ call: 'detach', head: number }, {}).catch(() => {}) // the worker may have ended
    }
  }
  Object.defineProperty(classifier, INSIDE, { value: () => ({ connection, number }) })
  addDispose(/** @type {Classifier} */ (classifier))
  return /** @type {Classifier} */ (classifier)
}

let feeds = 0

/**
 * Sends examples as they come: the next is asked for when the worker has taken the one before.
 *
 * @param {Connection} connection
 * @param {number} head
 * @param {AsyncIterator<unknown> | Iterator<unknown>} source
 * @param {Record<string, unknown>} options
 * @param {import('../classify/inputs.js').Callbacks} callbacks
 */
async function teachStream(connection, head, source, options, { signal, onProgress }) {
  const examples = feeds++
  const stop = new AbortController()
  const onAbort = () => stop.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  let ended = false
  const send = async () => {
    while (!ended) {
      const { done, value } = await source.next()
      if (done) ended = true
      await connection.call({ call: 'example', examples, document: { done: done === true, value } }, { signal: stop.signal })
    }
  }
  const taught = connection.call({ call: 'teach', head, examples, options }, { signal: stop.signal, onProgress })
  try {
    return await Promise.race([taught, send().then(() => taught)])
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stop.abort()
    taught.catch(() => {})
    // Not waited for: a source that hangs must not hold the caller.
    if (!ended) {
      ended = true
      Promise.resolve(source.return?.()).catch(() => {})
    }
  }
}
