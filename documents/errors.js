/**
 * What is wrong with a document, as the library's own error. Messages go on from the document's name: "it is not UTF-8".
 */
import { LinformerError } from '../wasm/common/errors.js'

/**
 * `format`: a kind of file that is not read; `table`: rows, not one document; `encoding`: bytes that are no text; `damaged`;
 * `locked`: by a password; `limit`: too large, with the number; `reader`: the part that reads it is not installed.
 *
 * @typedef {'format' | 'table' | 'encoding' | 'damaged' | 'locked' | 'limit' | 'reader'} Reason
 */

/**
 * @param {Reason} reason
 * @param {string} message
 * @param {Record<string, unknown>} [details] the numbers of the message
 * @param {unknown} [cause]
 */
export const unreadable = (reason, message, details = {}, cause = undefined) =>
  new LinformerError('DOCUMENT', message, { reason, ...details }, cause === undefined ? undefined : { cause })

/** @param {string} what @param {number} value @param {number} limit @param {string} unit */
export const tooLarge = (what, value, limit, unit) =>
  unreadable('limit', `${what} ${value.toLocaleString('en-US')} ${unit}; the limit is ${limit.toLocaleString('en-US')}`, { value, limit })

/** @param {string} message @param {Record<string, unknown>} [details] */
export const emptyText = (message, details = {}) => new LinformerError('EMPTY_TEXT', message, details)
