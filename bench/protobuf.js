/**
 * Writes protocol buffers: a message is a list of fields, a field is bytes.
 */

/** @param {number} value not negative, below 2^53 @returns {number[]} */
function varint(value) {
  const bytes = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 | 128)
  bytes.push(value)
  return bytes
}

const encoder = new TextEncoder()

/** A whole number. @param {number} id @param {number} value */
export const int = (id, value) => Uint8Array.from([...varint(id * 8), ...varint(value)])

/** A 32-bit float. @param {number} id @param {number} value */
export function float(id, value) {
  const field = new Uint8Array([...varint(id * 8 + 5), 0, 0, 0, 0])
  new DataView(field.buffer).setFloat32(field.length - 4, value, true)
  return field
}

/** Bytes, a string or an embedded message. @param {number} id @param {Uint8Array | string} value */
export function bytes(id, value) {
  const content = typeof value === 'string' ? encoder.encode(value) : value
  return message([Uint8Array.from([...varint(id * 8 + 2), ...varint(content.length)]), content])
}

/** @param {Uint8Array[]} fields @returns {Uint8Array} */
export function message(fields) {
  const all = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0))
  let at = 0
  for (const field of fields) {
    all.set(field, at)
    at += field.length
  }
  return all
}
