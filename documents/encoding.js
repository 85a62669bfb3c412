/**
 * Bytes as text: UTF-8, UTF-16 by its mark or by its bytes, and what the document or the user says it is in.
 */
import { LinformerError } from '../wasm/common/errors.js'
import { unreadable } from './errors.js'

/** Bytes that are looked at to tell what a file is. */
const SAMPLE = 4096

/** Of 1,000 characters, as many may be undecodable in a format that tells what it is by other means. */
const MOST_BAD = 10

/**
 * What windows-1252 has at 128 to 159. Some versions of Node.js decode it as Latin-1, which has control characters there.
 */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

/**
 * @param {string} label as HTML, a header or the user says it
 * @returns {string | undefined} the encoding's own name, if there is one of that label
 */
export function encodingName(label) {
  try {
    return new TextDecoder(label.trim()).encoding
  } catch {
    return undefined
  }
}

/** @param {string} label of the option @returns {string} @throws {LinformerError} BAD_ARGUMENT */
export function checkEncoding(label) {
  const name = encodingName(label)
  if (name === undefined) {
    throw new LinformerError('BAD_ARGUMENT', `encoding is ${JSON.stringify(label)}; it has to be one of the Encoding Standard, such as utf-8, utf-16le or windows-1252`)
  }
  return name
}

/**
 * @param {Uint8Array} bytes
 * @param {string} encoding
 * @param {boolean} fatal
 * @returns {string} without a byte order mark
 */
export function decodeAs(bytes, encoding, fatal) {
  const text = new TextDecoder(encoding, { fatal }).decode(bytes)
  return encoding === 'windows-1252' ? mendWindows1252(text) : text
}

/** Text that was decoded as Latin-1 instead. @param {string} text */
export const mendWindows1252 = (text) => text.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80])

/** The encoding that the first bytes are a mark of. @param {Uint8Array} bytes */
export function encodingOfMark(bytes) {
  const [a, b, c, d] = bytes
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 && bytes.length % 4 === 0 ? 'utf-32' : 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  return a === 0 && b === 0 && c === 0xfe && d === 0xff ? 'utf-32' : undefined
}

/**
 * Whether it is UTF-8 into which a few zero bytes have come. In UTF-16 every second byte of Latin text is zero, and the bytes
 * of other scripts are not characters of UTF-8, or are control characters.
 *
 * @param {Uint8Array} sample
 * @param {number} zeros
 */
function isPlainButForZeros(sample, zeros) {
  if (zeros * 4 >= sample.length) return false
  try {
    return !/[\x01-\x08\x0b\x0e-\x1f\x7f]/.test(new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true }))
  } catch {
    return false
  }
}

/**
 * UTF-16 without a mark: in most scripts, spaces and line breaks at least have a zero byte, always on the same side.
 *
 * @param {Uint8Array} bytes
 */
function encodingOfBytes(bytes) {
  const sample = bytes.subarray(0, SAMPLE)
  const zeros = [0, 0]
  for (const [i, byte] of sample.entries()) if (byte === 0) zeros[i % 2]++
  const [even, odd] = zeros
  if (even + odd < Math.max(1, sample.length / 50) || bytes.length % 2 !== 0) return undefined
  if (isPlainButForZeros(sample, even + odd)) return undefined
  if (even === 0) return 'utf-16le'
  return odd === 0 ? 'utf-16be' : undefined
}

/**
 * @param {Uint8Array} bytes
 * @param {object} [options]
 * @param {string} [options.encoding] that the user asks for; only a mark says more
 * @param {string} [options.declared] by the document or by who sent it
 * @param {boolean} [options.exact] do not guess UTF-16 from zero bytes
 * @param {boolean} [options.lenient] take a few undecodable bytes as U+FFFD, and say how many
 * @returns {{ text: string, bad: number }}
 * @throws {LinformerError} DOCUMENT
 */
export function decode(bytes, { encoding, declared, exact = false, lenient = false } = {}) {
  const known = encodingOfMark(bytes)
  if (known === 'utf-32') throw unreadable('format', 'it is UTF-32, which is not read: save it as UTF-8')
  const said = known ?? (encoding === undefined ? undefined : checkEncoding(encoding)) ?? (exact ? undefined : encodingOfBytes(bytes))
  const name = said ?? (declared === undefined ? undefined : encodingName(declared)) ?? 'utf-8'
  const { text, bad } = decodeLeniently(bytes, name)
  if (bad > 0 && !(lenient && bad * 1000 <= MOST_BAD * text.length)) {
    const at = name === 'utf-8' ? ` (byte ${firstBadByte(bytes).toLocaleString('en-US')})` : ''
    throw unreadable('encoding', `it is not ${name.toUpperCase()}${at}`, { encoding: name })
  }
  const nul = text.indexOf('\0')
  if (nul >= 0) throw unreadable('encoding', `it is not text: character ${(nul + 1).toLocaleString('en-US')} is NUL`)
  return { text, bad }
}

/** @param {Uint8Array} bytes @param {string} name @returns {{ text: string, bad: number }} */
function decodeLeniently(bytes, name) {
  try {
    return { text: decodeAs(bytes, name, true), bad: 0 }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const text = decodeAs(bytes, name, false)
    return { text, bad: text.split('\ufffd').length - 1 }
  }
}

/** Where UTF-8 ends, counted from 1. @param {Uint8Array} bytes */
function firstBadByte(bytes) {
  // Half of what is left is good or not: the first bad byte is found as a word is in a dictionary.
  const isGood = (/** @type {number} */ end, stream = true) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream })
      return true
    } catch {
      return false
    }
  }
  let [good, bad] = [0, bytes.length]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isGood(middle)) good = middle
    else bad = middle
  }
  // The character may have begun before.
  while (good > 0 && !isGood(good, false)) good--
  return good + 1
}
