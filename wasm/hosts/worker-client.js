/**
 * The caller's side of a classifier that works in a worker: `load` and `inspect`.
 */
import { checkCallbacks } from '../classify/inputs.js'
import { LinformerError, throwIfAborted } from '../common/errors.js'
import { isA } from '../common/kinds.js'
import { createWorkerClassifier } from './worker-classifier.js'
import { Connection, disposed, sendable } from './worker-connection.js'

/**
 * @typedef {import('../index.js').Classifier} Classifier
 * @typedef {import('../index.js').Inspection} Inspection
 * @typedef {import('./worker-connection.js').Host} Host
 */

/**
 * Makes `load` and `inspect` for a host.
 *
 * @param {Host} host
 */
export function createWorkerApi(host) {
  /**
   * Starts a worker and has it make the call; ends it if that fails.
   *
   * @template T
   * @param {'load' | 'inspect'} call
   * @param {unknown} source
   * @param {unknown} given options
   * @returns {Promise<{ connection: Connection, value: T }>}
   */
  async function begin(call, source, given) {
    if (typeof given !== 'object' || given === null) throw new LinformerError('BAD_ARGUMENT', 'options is not an object')
    const options = /** @type {import('../worker.js').WorkerLoadOptions} */ (given)
    checkCallbacks(options)
    const { signal, onProgress, worker, transfer, wasm, ...rest } = options
    const callbacks = { signal, onProgress }
    throwIfAborted(signal)
    const sent = await sendable(source, host, { ...callbacks, maxModelBytes: rest.maxModelBytes })
    const module = await sendable(wasm, host, { signal })
    const handed = transfer === true ? [source, wasm].map((value) => ArrayBuffer.isView(value) ? value.buffer : value) : []
    const buffers = [...new Set(handed)].filter((value) => isA(value, 'ArrayBuffer')).filter(({ byteLength }) => byteLength > 0)
    const ofResponses = [sent, module].map((value) => /** @type {{ bytes?: unknown } | undefined | null} */ (value)?.bytes)
    const read = ofResponses.flatMap((bytes) => bytes instanceof Uint8Array ? [/** @type {ArrayBuffer} */ (bytes.buffer)] : [])
    const connection = new Connection(host, worker)
    try {
      const message = { call, source: sent, options: module === undefined ? rest : { ...rest, wasm: module } }
      return { connection, value: await connection.call(message, callbacks, [...buffers, ...read]) }
    } catch (error) {
      connection.end(disposed())
      throw error
    }
  }

  /** @param {unknown} source @param {unknown} [options] @returns {Promise<Classifier>} see worker.d.ts */
  async function load(source, options = {}) {
    const { connection, value } = await begin('load', source, options)
    return createWorkerClassifier({ connection, host }, 0, value)
  }

  /** @param {unknown} source @param {unknown} [options] @returns {Promise<Inspection>} see worker.d.ts */
  async function inspect(source, options = {}) {
    const { connection, value } = await begin('inspect', source, options)
    connection.end(disposed())
    return value
  }

  return { load, inspect }
}
