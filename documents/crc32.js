/** CRC-32 as zip and gzip have it, four bytes at a time. */

/** By a byte, and by how many more come after it in the four. @type {Uint32Array[]} */
const TABLES = []
for (let i = 0; i < 4; i++) {
  TABLES.push(Uint32Array.from({ length: 256 }, (_, byte) => {
    if (i > 0) return TABLES[0][TABLES[i - 1][byte] & 255] ^ (TABLES[i - 1][byte] >>> 8)
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    return value
  }))
}
const [ONE, TWO, THREE, FOUR] = TABLES

/** The checksum of bytes that come in parts. */
export class Crc32 {
  #state = -1
  length = 0

  /** @param {Uint8Array} bytes @returns {this} */
  add(bytes) {
    let state = this.#state
    let i = 0
    for (; i + 4 <= bytes.length; i += 4) {
      state ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
      state = FOUR[state & 255] ^ THREE[(state >>> 8) & 255] ^ TWO[(state >>> 16) & 255] ^ ONE[state >>> 24]
    }
    for (; i < bytes.length; i++) state = ONE[(state ^ bytes[i]) & 255] ^ (state >>> 8)
    this.#state = state
    this.length += bytes.length
    return this
  }

  /** Of what has been added so far. */
  get value() {
    return ~this.#state >>> 0
  }
}
