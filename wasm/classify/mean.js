/**
 * A mean of vectors over the windows of a document, and its direction.
 */
export class Mean {
  #sum
  #weight = 0

  /** @param {number} width */
  constructor(width) {
    this.#sum = new Float64Array(width)
  }

  /** @param {{ vector: Float32Array, weight: number }} window its own mean, and what that was divided by */
  add({ vector, weight }) {
    this.#weight += weight
    for (let i = 0; i < vector.length; i++) this.#sum[i] += weight * vector[i]
  }

  /** @returns {Float32Array} [width] */
  get value() {
    return this.#over(this.#weight)
  }

  /** @returns {Float32Array} [width], of length 1; zeros stay zeros */
  get direction() {
    let squares = 0
    for (const value of this.#sum) squares += value * value
    return this.#over(Math.sqrt(squares) || 1)
  }

  /** The sum by a number. In a loop: Float32Array.from goes by an iterator, which takes much longer. @param {number} divisor */
  #over(divisor) {
    const sum = this.#sum
    const values = new Float32Array(sum.length)
    for (let i = 0; i < sum.length; i++) values[i] = sum[i] / divisor
    return values
  }
}
