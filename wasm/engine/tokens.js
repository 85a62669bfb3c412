/**
 * The tokens of one document, collected: ids, and offsets where an explanation wants them.
 */

/** @typedef {{ input: 'text' | 'textPair' | 'tokens', start: number, end: number }} Range where a token is, as results tell it */

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

/**
 * Windows ends a line by two characters. The first of them is not read, so that a text has the same tokens from wherever it comes.
 *
 * @param {string} text
 * @returns {{ read: string, returns: number[] }} what is read, and where in it the line ends are that had two characters
 */
export function lineEnds(text) {
  /** @type {number[]} */
  const returns = []
  for (let at = text.indexOf('\r\n'); at !== -1; at = text.indexOf('\r\n', at + 2)) returns.push(at - returns.length)
  return { read: returns.length === 0 ? text : text.replaceAll('\r\n', '\n'), returns }
}

/** From places in what is read to places in the text, in ascending order. @param {readonly number[]} returns */
function placesIn(returns) {
  let passed = 0
  return (/** @type {number} */ at) => {
    while (returns[passed] < at) passed++
    return at + passed
  }
}

export class Tokens {
  ids = new Column()
  starts = new Column()
  ends = new Column()
  /** How many tokens belong to the text; the separator and the pair's tokens follow. */
  inText = 0
  /** Characters that were read, of both texts. */
  characters = 0
  /** Whether the ids were given, and there is no text. */
  #given = false
  #withOffsets
  #startOf = placesIn([])
  #endOf = placesIn([])

  /** @param {boolean} withOffsets */
  constructor(withOffsets) {
    this.#withOffsets = withOffsets
  }

  get length() {
    return this.ids.length
  }

  /** What comes is of another text. @param {ReturnType<typeof lineEnds>} text */
  beginText({ read, returns }) {
    this.characters += read.length
    this.#startOf = placesIn(returns)
    this.#endOf = placesIn(returns)
  }

  /** @param {Uint32Array} tokens id, start, end of each, in ascending order, in what is read of the text */
  take(tokens) {
    for (let i = 0; i < tokens.length; i += 3) {
      this.ids.push(tokens[i])
      if (this.#withOffsets) {
        this.starts.push(this.#startOf(tokens[i + 1]))
        this.ends.push(this.#endOf(tokens[i + 2]))
      }
    }
  }

  /** Whether there are fewer different ids than that. @param {number} limit */
  hasFewerThan(limit) {
    const different = new Set()
    for (const id of this.ids.range(0, this.length)) {
      if (different.add(id).size >= limit) return false
    }
    return true
  }

  /** Takes ids that the caller has made, some at a time. @param {Uint16Array | Uint32Array} ids */
  give(ids) {
    this.#given = true
    for (const id of ids) this.ids.push(id)
    this.inText = this.length
  }

  /**
   * @param {number} t
   * @returns {Range} the separator between a text and its pair is empty, at the start of the pair
   */
  rangeOf(t) {
    if (this.#given) return { input: 'tokens', start: t, end: t + 1 }
    if (t === this.inText) return { input: 'textPair', start: 0, end: 0 }
    return { input: t < this.inText ? 'text' : 'textPair', start: this.starts.at(t), end: this.ends.at(t) }
  }
}
