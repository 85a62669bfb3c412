/**
 * Values that come in messages, as an async iterable: the next is asked for when the one before has been used.
 */
export class Feed {
  /** @type {((result: IteratorResult<unknown>) => void) | undefined} */
  #wanted
  /** @type {{ result: IteratorResult<unknown>, taken: () => void } | undefined} */
  #waiting
  #ended = false

  /**
   * @param {IteratorResult<unknown>} result
   * @returns {Promise<void>} when it has been asked for
   */
  put(result) {
    if (this.#ended) return Promise.resolve()
    if (this.#wanted !== undefined) {
      this.#wanted(result)
      this.#wanted = undefined
      return Promise.resolve()
    }
    return new Promise((taken) => { this.#waiting = { result, taken } })
  }

  /** No more is asked for. */
  end() {
    this.#ended = true
    this.#waiting?.taken()
  }

  /** @returns {AsyncIterator<unknown>} */
  [Symbol.asyncIterator]() {
    return {
      next: () => {
        const waiting = this.#waiting
        this.#waiting = undefined
        waiting?.taken()
        if (waiting !== undefined) return Promise.resolve(waiting.result)
        return new Promise((resolve) => { this.#wanted = resolve })
      },
      return: async () => {
        this.end()
        return { done: true, value: undefined }
      }
    }
  }
}
