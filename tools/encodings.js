/**
 * Compression for the demo's server: which content coding a request gets, and the files in it.
 *
 * Text and modules shrink to a quarter, models, which are mostly 8-bit weights, by a seventh. Fonts, pictures and archives are
 * compressed already.
 */
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** Content types that are worth it. */
const WORTH_IT = /^(text\/|application\/(json|wasm|manifest\+json|octet-stream)\b|image\/svg\+xml\b)/
/** Less than a packet: nothing is gained. */
const LEAST_BYTES = 1024
/** Of compressed files that are kept; the oldest go first. */
const MOST_KEPT_BYTES = 32 * 2 ** 20

/**
 * Of brotli, 0 to 11: near gzip's time, and a tenth smaller. The first visitor waits while a model is compressed, and 5 would make it only 1%
 * smaller.
 */
const quality = (/** @type {Buffer} */ bytes) => (bytes.length < 2 ** 20 ? 5 : 3)
const compress = {
  br: (/** @type {Buffer} */ bytes) => promisify(brotliCompress)(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: quality(bytes), [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  }),
  gzip: (/** @type {Buffer} */ bytes) => promisify(gzip)(bytes)
}

/** @typedef {keyof typeof compress} Coding */

/**
 * The coding for a file: brotli if the client takes it as gladly as gzip, gzip if it takes that, else none.
 *
 * @param {string | undefined} header Accept-Encoding (RFC 9110, section 12.5.3)
 * @param {string} type content type
 * @param {number} size bytes
 * @returns {Coding | undefined}
 */
export function codingFor(header, type, size) {
  if (header === undefined || size < LEAST_BYTES || !WORTH_IT.test(type)) return undefined
  /** @type {Map<string, number>} */
  const weights = new Map()
  for (const part of header.toLowerCase().split(',')) {
    const [name, ...parameters] = part.split(';').map((each) => each.trim())
    const given = parameters.find((parameter) => parameter.startsWith('q='))
    const weight = given === undefined ? 1 : Number(given.slice(2))
    if (name !== '') weights.set(name, weight >= 0 && weight <= 1 ? weight : 0)
  }
  const weight = (/** @type {string} */ name) => weights.get(name) ?? weights.get('*') ?? 0
  // No coding at all is acceptable unless it is excluded, but preferred only when the client says so.
  const plain = weights.get('identity') ?? 0
  const best = weight('br') >= weight('gzip') ? 'br' : 'gzip'
  return weight(best) > 0 && weight(best) >= plain ? best : undefined
}

/** Whether a file of this type depends on what the client takes, so that caches between must know. @param {string} type */
export const varies = (type) => WORTH_IT.test(type)

/** Compressed files, kept while they do not change. */
export class Compressed {
  /** @type {Map<string, Promise<Buffer>>} */
  #kept = new Map()
  #bytes = 0

  /**
   * @param {Coding} coding
   * @param {string} key of the file in its present version
   * @param {() => Promise<Buffer>} read
   * @returns {Promise<Buffer>}
   */
  get(coding, key, read) {
    const name = `${coding} ${key}`
    const known = this.#kept.get(name)
    if (known !== undefined) return known
    const made = read().then((bytes) => compress[coding](bytes))
    this.#kept.set(name, made)
    made.then((bytes) => this.#account(bytes.length), () => this.#kept.delete(name))
    return made
  }

  /** @param {number} bytes */
  async #account(bytes) {
    this.#bytes += bytes
    for (const [name, made] of this.#kept) {
      if (this.#bytes <= MOST_KEPT_BYTES) break
      this.#kept.delete(name)
      this.#bytes -= (await made).length
    }
  }
}
