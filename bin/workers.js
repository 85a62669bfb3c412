/**
 * Many documents at a time: dealt out to classifiers, each in a worker of its own. Threads of one classifier share the tiles of one
 * document, and wait for each other at every step of a layer; classifiers that have a document each wait for nobody.
 */
import { LinformerError } from 'linformer-wasm'

/** Documents that are held for each worker: enough to be busy with while an earlier, longer one keeps their answers waiting. */
const AHEAD = 4

/**
 * Answers in the order of the documents, each as soon as it and those before it are there.
 *
 * @template D, A
 * @param {AsyncIterable<D>} documents
 * @param {number} most documents that are under way, those included that are answered and wait for an earlier one; from 1
 * @param {(document: D, isNext: () => boolean) => Promise<A>} work never rejects; isNext tells whether its answer is the next
 * @returns {AsyncGenerator<A>}
 */
export async function* inOrder(documents, most, work) {
  const iterator = documents[Symbol.asyncIterator]()
  /** @type {Promise<A>[]} */
  const pending = []
  let taken = 0
  let answered = 0
  /** @type {Promise<IteratorResult<D>> | undefined} */
  let reading
  let ended = false
  try {
    while (!ended || pending.length > 0) {
      if (!ended && pending.length < most) {
        reading ??= iterator.next()
        // A source may say nothing before it has its answer, as a program at the other end of a pipe does.
        const came = await Promise.race([reading, ...pending.slice(0, 1).map((first) => first.then(() => undefined))])
        if (came !== undefined) {
          reading = undefined
          if (came.done) ended = true
          else {
            const number = taken++
            pending.push(work(came.value, () => number === answered))
          }
          continue
        }
      }
      const answer = await /** @type {Promise<A>} */ (pending.shift())
      answered++
      yield answer
    }
  } finally {
    if (!ended) {
      const closed = iterator.return?.()
      // A source that is being read is closed when it has come to an end of that, and nobody waits for it.
      if (reading === undefined) await closed
      else for (const promise of [reading, closed]) promise?.catch(() => {})
    }
  }
}

/**
 * Classifiers that take turns. The first is there from the beginning, the others are opened when there is work for them; one whose worker
 * has died is opened again for the next document.
 *
 * @typedef {import('linformer-wasm').Classifier} Classifier
 */
export class Workers {
  /** @type {(Classifier | undefined)[]} */
  #idle
  /** @type {((classifier: Classifier | undefined) => void)[]} */
  #waiting = []
  /** @type {Set<Classifier>} */
  #opened = new Set()
  #open

  /**
   * @param {Classifier} first
   * @param {number} count
   * @param {() => Promise<Classifier>} open
   */
  constructor(first, count, open) {
    this.#idle = [...new Array(count - 1).fill(undefined), first]
    this.#opened.add(first)
    this.#open = open
    this.most = count === 1 ? 1 : count * AHEAD
  }

  /**
   * @template T
   * @param {(classifier: Classifier) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async with(work) {
    let classifier = this.#idle.length > 0 ? this.#idle.pop() : await new Promise((resolve) => this.#waiting.push(resolve))
    try {
      if (classifier === undefined) {
        classifier = await this.#open()
        this.#opened.add(classifier)
      }
      return await work(classifier)
    } catch (error) {
      if (classifier !== undefined && error instanceof LinformerError && error.code === 'WORKER_FAILED') {
        this.#opened.delete(classifier)
        classifier.dispose()
        classifier = undefined
      }
      throw error
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#idle.push(classifier)
      else next(classifier)
    }
  }

  dispose() {
    for (const classifier of this.#opened) classifier.dispose()
  }
}
