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
    return Float32Array.from(this.#sum, (value) => value / this.#weight)
  }

  /** @returns {Float64Array} [width], of length 1; zeros stay zeros */
  get direction() {
    let squares = 0
    for (const value of this.#sum) squares += value * value
    const length = Math.sqrt(squares) || 1
    return this.#sum.map((value) => value / length)
  }
}
