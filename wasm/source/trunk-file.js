/**
 * The file that a trunk came from, once it is loaded: which one it is, and its bytes again. They are not kept: the model's weights
 * are in the engine's memory, packed.
 */
import { LinformerError } from '../common/errors.js'
import { digestOf } from './integrity.js'

/** @typedef {import('./head.js').Head} Head */

export class TrunkFile {
  #read
  #source
  /** What heads of this trunk call it. @type {string | undefined} */
  #claimed
  /** @type {Promise<string | undefined>} */
  #digest

  /**
   * @param {string} source name of the file, for messages
   * @param {Record<string, string>} metadata
   * @param {(options: { signal?: AbortSignal }) => Promise<Uint8Array>} read gives the bytes again
   * @param {Promise<string | undefined>} digest of the file, if it is known without reading it again; does not reject
   */
  constructor(source, metadata, read, digest) {
    this.#source = source
    this.#claimed = metadata.trunk
    this.#read = read
    this.#digest = digest
  }

  /**
   * The file's bytes, the same as at first.
   *
   * @param {{ signal?: AbortSignal }} options
   * @returns {Promise<Uint8Array>}
   * @throws {LinformerError} INTEGRITY if the file is another one now
   */
  async bytes(options) {
    const bytes = await this.#read(options)
    const actual = await digestOf(bytes, options.signal)
    const integrity = await this.#digest
    if (integrity === undefined) this.#digest = Promise.resolve(actual)
    else if (actual !== integrity) {
      throw new LinformerError('INTEGRITY', `${this.#source} is not the file any more that was loaded`, { source: this.#source, actual, integrity })
    }
    return bytes
  }

  /**
   * What heads of this trunk name it by: its digest; a model that was exported from a trunk answers to the trunk's.
   *
   * @param {{ signal?: AbortSignal }} options
   * @returns {Promise<string>}
   */
  async id(options) {
    if (this.#claimed !== undefined) return this.#claimed
    if (await this.#digest === undefined) await this.bytes(options)
    return /** @type {string} */ (await this.#digest)
  }

  /**
   * @param {Head} head
   * @param {{ signal?: AbortSignal }} options
   * @throws {LinformerError} MODEL_CONFIG if the head is another trunk's
   */
  async checkHead({ source, metadata }, options) {
    const id = await this.id(options)
    if (metadata.trunk === id) return
    const name = metadata.trunk_name === undefined ? 'another trunk' : `the trunk ${metadata.trunk_name}`
    const message = `${source} is a head of ${name}, ${metadata.trunk}, and this is ${id}`
    throw new LinformerError('MODEL_CONFIG', message, { trunk: metadata.trunk, actual: id })
  }
}
