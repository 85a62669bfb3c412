/**
 * What `classify` takes: its options, and documents one by one, in arrays or as they come. The same for every classifier,
 * whether it works here or in a worker.
 */
import { abortable, LinformerError, show } from '../common/errors.js'

/**
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').Failure} Failure
 * @typedef {import('../index.js').Result} Result
 * @typedef {{ text: string, textPair?: string }} Document
 *
 * Classifies one document, the `index`-th of `count`, if their number is known.
 * @typedef {(document: Document, options: ClassifyOptions, index: number, count: number | undefined) => Promise<Result>} ClassifyOne
 */

const OVERFLOW = ['window', 'truncate', 'error']

const badArgument = (/** @type {string} */ message) => new LinformerError('BAD_ARGUMENT', message)

const kindOf = (/** @type {unknown} */ value) => value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value

/**
 * Checks what `load` and `classify` have in common.
 *
 * @param {any} options
 */
export function checkCallbacks({ signal, onProgress }) {
  if (signal !== undefined && (typeof signal?.aborted !== 'boolean' || typeof signal.addEventListener !== 'function')) {
    throw badArgument('signal is not an AbortSignal')
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') throw badArgument('onProgress is not a function')
}

/** @param {any} options @returns {ClassifyOptions} */
function checkOptions(options) {
  if (typeof options !== 'object' || options === null) throw badArgument(`options is ${kindOf(options)}, not an object`)
  const { topK, overflow } = options
  if (topK !== undefined && (!Number.isInteger(topK) || topK < 1)) {
    throw badArgument(`topK is ${show(topK)}; it has to be a whole number from 1`)
  }
  if (overflow !== undefined && !OVERFLOW.includes(overflow)) {
    throw badArgument(`overflow is ${show(overflow)}; it can be ${OVERFLOW.map((name) => `'${name}'`).join(', ')}`)
  }
  checkCallbacks(options)
  return options
}

/** @param {any} input @returns {Document} */
function checkInput(input) {
  if (typeof input === 'string') return { text: input }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw badArgument(`a document is a string or { text, textPair }, not ${kindOf(input)}`)
  }
  const { text, textPair } = input
  if (typeof text !== 'string') throw badArgument(`text is ${kindOf(text)}, not a string`)
  if (textPair !== undefined && typeof textPair !== 'string') throw badArgument(`textPair is ${kindOf(textPair)}, not a string`)
  return textPair === undefined ? { text } : { text, textPair }
}

/**
 * The result of one among several documents, or what was wrong with it. Errors that end the whole are thrown.
 *
 * @param {() => Promise<Result>} attempt
 * @returns {Promise<Result | Failure>}
 */
async function resultOrFailure(attempt) {
  try {
    return await attempt()
  } catch (error) {
    const ends = !(error instanceof LinformerError) || ['ABORTED', 'DISPOSED', 'WORKER_FAILED'].includes(error.code)
    if (ends) throw error
    return { error }
  }
}

/**
 * @param {readonly unknown[]} inputs
 * @param {ClassifyOptions} options
 * @param {ClassifyOne} classifyOne
 */
async function classifyArray(inputs, options, classifyOne) {
  const results = []
  for (const [index, input] of inputs.entries()) {
    results.push(await resultOrFailure(async () => classifyOne(checkInput(input), options, index, inputs.length)))
  }
  return results
}

/**
 * Asks for the next document when the result of the one before has been taken: a slow reader holds a fast source back.
 *
 * @param {AsyncIterable<unknown>} inputs
 * @param {any} options
 * @param {ClassifyOne} classifyOne
 */
async function* classifyStream(inputs, options, classifyOne) {
  const checked = checkOptions(options)
  const source = inputs[Symbol.asyncIterator]()
  let ended = false
  try {
    for (let index = 0; ; index++) {
      const { done, value } = await abortable(checked.signal, () => source.next())
      ended = done === true
      if (ended) return
      yield await resultOrFailure(async () => classifyOne(checkInput(value), checked, index, undefined))
    }
  } finally {
    // Not waited for: a source that hangs must not hold the caller.
    if (!ended) Promise.resolve(source.return?.()).catch(() => {})
  }
}

/**
 * `classify`, on top of a function that classifies one document.
 *
 * @param {any} input
 * @param {any} options
 * @param {ClassifyOne} classifyOne
 * @returns {any} a promise; an async generator if `input` is an async iterable
 */
export function classifyInput(input, options, classifyOne) {
  if (typeof input?.[Symbol.asyncIterator] === 'function') return classifyStream(input, options, classifyOne)
  return (async () => {
    const checked = checkOptions(options)
    return Array.isArray(input) ? classifyArray(input, checked, classifyOne) : classifyOne(checkInput(input), checked, 0, 1)
  })()
}
