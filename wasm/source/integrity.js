/**
 * Whether bytes are the ones that the caller means.
 */
import { abortable, LinformerError, show } from '../common/errors.js'

/**
 * The SHA-256 digest as HTML's integrity attribute has it: `sha256-<base64>`.
 *
 * @param {Uint8Array} bytes
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<string>}
 * @throws {LinformerError} UNSUPPORTED where the page has no crypto.subtle, ABORTED
 */
export async function digestOf(bytes, signal) {
  if (!globalThis.crypto?.subtle) {
    throw new LinformerError('UNSUPPORTED', 'integrity and cache need crypto.subtle, which pages have over HTTPS and on localhost')
  }
  const digest = await abortable(signal, () => crypto.subtle.digest('SHA-256', /** @type {Uint8Array<ArrayBuffer>} */ (bytes)))
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`
}

/**
 * @param {unknown} integrity
 * @throws {LinformerError} BAD_ARGUMENT if it is neither undefined nor a digest
 */
export function checkIntegrityOption(integrity) {
  if (integrity === undefined || (typeof integrity === 'string' && /^sha256-[A-Za-z0-9+/]{43}=$/.test(integrity))) return
  throw new LinformerError('BAD_ARGUMENT', `integrity is ${show(integrity)}; it has to be 'sha256-' and 44 characters of base64`)
}

/**
 * @param {Uint8Array} bytes
 * @param {string} integrity
 * @param {string} name
 * @param {AbortSignal | undefined} signal
 * @throws {LinformerError} INTEGRITY if they differ
 */
export async function checkIntegrity(bytes, integrity, name, signal) {
  const actual = await digestOf(bytes, signal)
  if (actual !== integrity) {
    throw new LinformerError('INTEGRITY', `${name} has the digest ${actual}, not ${integrity}`, { source: name, actual, integrity })
  }
}
