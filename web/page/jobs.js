/** One job at a time, with the buttons, the progress and the errors that go with it. */
import { LinformerError } from '../wasm/worker.js'

/** @typedef {(signal: AbortSignal) => Promise<unknown>} Job */

/**
 * @param {object} surroundings
 * @param {import('../engine/engine.js').Engine} surroundings.engine
 * @param {ReturnType<typeof import('./errors.js').createErrors>} surroundings.errors
 * @param {ReturnType<typeof import('./progress.js').createProgress>} surroundings.progress
 * @param {(busy: boolean) => void} surroundings.onBusy from the moment a job is asked for until none is left, one that waits for its turn included
 */
export function createJobs({ engine, errors, progress, onBusy }) {
  /** Of the job at hand; undefined when there is none. @type {AbortController | undefined} */
  let work
  /** The end of the last job that was asked for. @type {Promise<void>} */
  let last = Promise.resolve()
  let waiting = 0
  let replacements = 0

  const isBusy = () => work !== undefined || waiting > 0

  /** @param {Job} job */
  async function start(job) {
    const { signal } = work = new AbortController()
    onBusy(true)
    errors.hide()
    try {
      await job(signal)
    } catch (error) {
      const code = error instanceof LinformerError ? error.code : undefined
      if (code === 'ENGINE' || code === 'WORKER_FAILED') engine.close()
      progress.say(signal.aborted ? 'Cancelled.' : '', 0)
      if (!signal.aborted) errors.show(error)
    } finally {
      work = undefined
      onBusy(isBusy())
    }
  }

  /** @param {Job} job @param {() => boolean} [isWanted] whether it still is when its turn comes */
  function enqueue(job, isWanted = () => true) {
    waiting++
    onBusy(true)
    last = last.then(async () => {
      waiting--
      if (isWanted()) await start(job)
      else onBusy(isBusy())
    })
    return last
  }

  return {
    isBusy,
    cancel: () => work?.abort(),

    /** Does the job at once, unless another one is at hand or waits. @param {Job} job */
    async run(job) {
      if (!isBusy()) await (last = start(job))
    },

    /** Does the job when those before it have ended. @param {Job} job */
    runNext: (job) => enqueue(job),

    /** Ends the job at hand and does this one, unless yet another one is to replace it. @param {Job} job */
    replace(job) {
      const mine = ++replacements
      work?.abort()
      return enqueue(job, () => mine === replacements)
    }
  }
}
