/**
 * The tokens of one document, collected: ids, and offsets where an explanation wants them.
 */

/** A typed array that grows. */
class Column {
  #values = new Int32Array(1024)
  length = 0

  /** @param {number} value */
  push(value) {
    if (this.length === this.#values.length) {
      const larger = new Int32Array(2 * this.length)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.length++] = value
  }

  /** @param {number} from @param {number} to @returns {Int32Array} */
  range(from, to) {
    return this.#values.subarray(from, to)
  }

  /** @param {number} i @returns {number} */
  at(i) {
    return this.#values[i]
  }
}

export class Tokens {
  ids = new Column()
  starts = new Column()
  ends = new Column()
  /** How many tokens belong to the text; the separator and the pair's tokens follow. */
  inText = 0
  #withOffsets

  /** @param {boolean} withOffsets */
  constructor(withOffsets) {
    this.#withOffsets = withOffsets
  }

  get length() {
    return this.ids.length
  }

  /** @param {Uint32Array} tokens id, start, end of each */
  take(tokens) {
    for (let i = 0; i < tokens.length; i += 3) {
      this.ids.push(tokens[i])
      if (this.#withOffsets) {
        this.starts.push(tokens[i + 1])
        this.ends.push(tokens[i + 2])
      }
    }
  }
}
