/**
 * Classifiers that elements share: those with the same model and options have one worker, until the last of them has gone.
 */
import { load } from '../worker.js'

/**
 * @typedef {import('../index.js').Classifier} Classifier
 * @typedef {import('../index.js').ProgressEvent} ProgressEvent
 *
 * @typedef {object} Shared
 * @property {Promise<Classifier>} ready
 * @property {Set<(event: ProgressEvent) => void>} listeners
 * @property {number} users
 */

/** Milliseconds that a classifier stays when nobody uses it: frameworks take elements away and put them back. */
const GRACE_MS = 2000

/** By model (a string, or the file itself), then by options. @type {Map<unknown, Map<string, Shared>>} */
const models = new Map()

/**
 * @param {import('../index.js').Source} model
 * @param {import('../index.js').LoadOptions} options
 * @param {(event: ProgressEvent) => void} onProgress of the download
 * @returns {{ ready: Promise<Classifier>, release: (isBroken?: boolean) => void }} `release` once it is not needed any more; a broken
 *   one is used by nobody again
 */
export function acquire(model, options, onProgress) {
  const source = model instanceof URL ? model.href : model
  const key = JSON.stringify(options)
  const known = models.get(source) ?? new Map()
  models.set(source, known)
  const forget = (/** @type {Shared} */ shared) => {
    if (known.get(key) === shared) known.delete(key)
    if (known.size === 0 && models.get(source) === known) models.delete(source)
  }

  /** @returns {Shared} */
  const begin = () => {
    const listeners = new Set()
    const ready = load(source, { ...options, onProgress: (event) => { for (const listener of listeners) listener(event) } })
    const shared = { ready, listeners, users: 0 }
    ready.catch(() => forget(shared)) // to be tried again
    return shared
  }
  const shared = known.get(key) ?? begin()
  known.set(key, shared)
  shared.users++
  shared.listeners.add(onProgress)
  let released = false
  return {
    ready: shared.ready,
    release(isBroken = false) {
      if (released) return
      released = true
      shared.listeners.delete(onProgress)
      shared.users--
      if (isBroken) forget(shared)
      setTimeout(() => {
        if (shared.users > 0) return
        forget(shared)
        shared.ready.then((/** @type {Classifier} */ classifier) => classifier.dispose(), () => {})
      }, GRACE_MS)
    }
  }
}
