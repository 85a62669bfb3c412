/** Files in a zip archive and bytes in a gzip file, by fflate. */
import { Gunzip, unzipSync } from 'fflate'
import { Crc32 } from './crc32.js'
import { tooLarge, unreadable } from './errors.js'

/** What an archive may unpack to, all that is read of it. */
export const MOST_UNPACKED = 2 ** 28
const MOST_FILES = 65_536
const STRIDE = 16_384
/** Shortest of a member in gzip. */
const HEADER = 10

/** @param {'archive' | 'gzip'} what @param {unknown} error @returns {unknown} */
function damaged(what, error) {
  if (error instanceof Error && error.name === 'LinformerError') return error
  return unreadable('damaged', `its ${what} is damaged (${error instanceof Error ? error.message : error})`, {}, error)
}

/** @param {DataView} zip @returns {number} where the list of its files begins, which fflate looks for in the same way */
function directoryOf(zip) {
  let end = zip.byteLength - 22
  while (zip.getUint32(end, true) !== 0x06054b50) end--
  const end64 = end >= 20 && zip.getUint32(end - 20, true) === 0x07064b50 ? zip.getUint32(end - 12, true) : undefined
  return end64 !== undefined && zip.getUint32(end64, true) === 0x06064b50 ? zip.getUint32(end64 + 48, true) : zip.getUint32(end + 16, true)
}

export class Archive {
  #unpacked = 0
  /** What the archive's list has of each file, and fflate does not tell. @type {Map<string, { crc: number, isLocked: boolean }>} */
  #entries = new Map()

  /** @param {Uint8Array} bytes @throws {LinformerError} DOCUMENT */
  constructor(bytes) {
    /** @type {Uint8Array} */
    this.bytes = bytes
    /** @type {Set<string>} */
    this.names = new Set()
    const zip = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let at = 0
    this.#unzip(({ name }) => {
      if (this.names.size === 0) at = directoryOf(zip)
      this.names.add(name)
      if (this.names.size > MOST_FILES) throw tooLarge('the archive has more than', MOST_FILES, MOST_FILES, 'files')
      this.#entries.set(name, { crc: zip.getUint32(at + 16, true), isLocked: (zip.getUint16(at + 8, true) & 1) === 1 })
      at += 46 + zip.getUint16(at + 28, true) + zip.getUint16(at + 30, true) + zip.getUint16(at + 32, true)
      return false
    })
  }

  /** @param {(file: import('fflate').UnzipFileInfo) => boolean} filter @returns {import('fflate').Unzipped} */
  #unzip(filter) {
    try {
      return unzipSync(this.bytes, { filter })
    } catch (error) {
      throw damaged('archive', error)
    }
  }

  /** @param {string} wanted @returns {Uint8Array | undefined} @throws {LinformerError} DOCUMENT if it is not what was packed */
  read(wanted) {
    const entry = this.#entries.get(wanted)
    if (entry === undefined) return undefined
    if (entry.isLocked) throw unreadable('locked', 'its archive is locked with a password: save it without one')
    let size = 0
    // No more room than the archive's own list says is made, so that a lie there ends in an error.
    const file = this.#unzip(({ name, originalSize }) => {
      if (name !== wanted) return false
      size = originalSize
      this.#unpacked += size
      if (this.#unpacked > MOST_UNPACKED) throw tooLarge('unpacked it has', this.#unpacked, MOST_UNPACKED, 'bytes')
      return true
    })[wanted]
    if (file.length !== size) throw damaged('archive', `${wanted} has ${file.length} bytes, not ${size}`)
    if (new Crc32().add(file).value !== entry.crc) throw damaged('archive', `the checksum of ${wanted} is wrong`)
    return file
  }
}

/** What gzip has after each of its members: the checksum and the length of what was packed. @param {Crc32} sum */
function trailerOf({ value, length }) {
  const trailer = new Uint8Array(8)
  const view = new DataView(trailer.buffer)
  view.setUint32(0, value, true)
  view.setUint32(4, length, true)
  return trailer
}

/** @param {Uint8Array} bytes @returns {number} how many there are without zeros at the end */
function lengthWithoutZeros(bytes) {
  let length = bytes.length
  while (length > 0 && bytes[length - 1] === 0) length--
  return length
}

/** @param {Uint8Array} bytes @param {number} [most] @returns {Uint8Array} @throws {LinformerError} DOCUMENT */
export function gunzip(bytes, most = MOST_UNPACKED) {
  /** @type {Uint8Array[]} */
  const parts = []
  let length = 0
  let sum = new Crc32()
  let start = 0
  /** @param {number} end of a member */
  const check = (end) => {
    if (trailerOf(sum).some((byte, i) => byte !== bytes[end - 8 + i])) throw damaged('gzip', 'its checksum or length is wrong')
  }
  const stream = new Gunzip((part) => {
    length += part.length
    if (length > most) throw tooLarge('unpacked it has more than', most, most, 'bytes')
    sum.add(part)
    parts.push(part)
  })
  stream.onmember = (offset) => {
    check(offset)
    sum = new Crc32()
    start = offset
  }
  // Zeros may fill the file up. Those that belong to the last member are in its trailer, but for one where nothing is packed.
  const filled = lengthWithoutZeros(bytes)
  const fed = Math.min(filled + 1, bytes.length)
  try {
    for (let at = 0; at < fed; at += STRIDE) stream.push(bytes.subarray(at, Math.min(at + STRIDE, fed)))
    stream.push(new Uint8Array(), true)
    const end = filled + 8 - lengthWithoutZeros(trailerOf(sum))
    if (filled <= start + HEADER || end > bytes.length) throw damaged('gzip', 'it breaks off')
    check(end)
  } catch (error) {
    throw damaged('gzip', error)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Whether bytes begin as gzip does. @param {Uint8Array} bytes */
export const isPacked = (bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b

/** What is in bytes that may be gzip. @param {Uint8Array} bytes @returns {Uint8Array} @throws {LinformerError} DOCUMENT */
export const unpacked = (bytes) => isPacked(bytes) ? gunzip(bytes) : bytes
