/** Files in a zip archive and bytes in a gzip file, by fflate. */
import { Gunzip, unzipSync } from 'fflate'
import { tooLarge, unreadable } from './errors.js'

/** What an archive may unpack to, all that is read of it. */
export const MOST_UNPACKED = 2 ** 28
const MOST_FILES = 65_536
const STRIDE = 16_384

export class Archive {
  #unpacked = 0

  /** @param {Uint8Array} bytes @throws {LinformerError} DOCUMENT */
  constructor(bytes) {
    /** @type {Uint8Array} */
    this.bytes = bytes
    /** @type {Set<string>} */
    this.names = new Set()
    this.#unzip(({ name }) => {
      this.names.add(name)
      if (this.names.size > MOST_FILES) throw tooLarge('the archive has more than', MOST_FILES, MOST_FILES, 'files')
      return false
    })
  }

  /** @param {(file: import('fflate').UnzipFileInfo) => boolean} filter @returns {import('fflate').Unzipped} */
  #unzip(filter) {
    try {
      return unzipSync(this.bytes, { filter })
    } catch (error) {
      if (error instanceof Error && error.name === 'LinformerError') throw error
      throw unreadable('damaged', `its archive is damaged (${error instanceof Error ? error.message : error})`, {}, error)
    }
  }

  /** @param {string} wanted @returns {Uint8Array | undefined} */
  read(wanted) {
    if (!this.names.has(wanted)) return undefined
    // No more room than the archive's own list says is made, so that a lie there ends in an error.
    return this.#unzip(({ name, originalSize }) => {
      if (name !== wanted) return false
      this.#unpacked += originalSize
      if (this.#unpacked > MOST_UNPACKED) throw tooLarge('unpacked it has', this.#unpacked, MOST_UNPACKED, 'bytes')
      return true
    })[wanted]
  }
}

/** @param {Uint8Array} bytes @param {number} [most] @returns {Uint8Array} @throws {LinformerError} DOCUMENT */
export function gunzip(bytes, most = MOST_UNPACKED) {
  /** @type {Uint8Array[]} */
  const parts = []
  let length = 0
  let isWhole = false
  const stream = new Gunzip((part, isLast) => {
    length += part.length
    if (length > most) throw tooLarge('unpacked it has more than', most, most, 'bytes')
    parts.push(part)
    isWhole ||= isLast
  })
  try {
    for (let at = 0; at < bytes.length; at += STRIDE) stream.push(bytes.subarray(at, at + STRIDE), at + STRIDE >= bytes.length)
  } catch (error) {
    if (error instanceof Error && error.name === 'LinformerError') throw error
    throw unreadable('damaged', `its gzip is damaged (${error instanceof Error ? error.message : error})`, {}, error)
  }
  if (!isWhole) throw unreadable('damaged', 'its gzip breaks off')
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
