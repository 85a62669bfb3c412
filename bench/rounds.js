/**
 * Interleaved measurement: all variants are open at once, each in its own process or page, and take turns.
 */

import { NotAvailable } from './engines.js'

/**
 * @typedef {import('./engines.js').Variant} Variant
 * @typedef {import('./hosts.js').Host} Host
 *
 * @typedef {object} Measured
 * @property {Variant} variant
 * @property {number[]} times milliseconds of each round: processor time of the thread that computes where there is one
 *   thread and the host tells (other processes then disturb little), else by the clock
 * @property {number[]} wall milliseconds by the clock
 * @property {string} [failed] why there are no times
 * @property {boolean} [notAvailable] the engine does not have that option
 * @property {number} [memory] bytes of linear memory after the last run
 * @property {number} [peakRss] most bytes of the process, where it has its own
 * @property {number} [margin] the first logit less the second
 */

/** A run longer than this is not repeated. */
const SLOW_MS = 10_000

/** Shorter runs are repeated and their time divided: the processor time of a thread is counted in milliseconds. */
const SHORT_MS = 100

/**
 * @param {Host} host
 * @param {Variant[]} variants
 * @param {{ rounds: number, limitMs: (variant: Variant) => number, fileOf: (variant: Variant) => string, progress: (text: string) => void }} options
 * @returns {Promise<Measured[]>}
 */
export async function measure(host, variants, { rounds, limitMs, fileOf, progress }) {
  const entries = []
  for (const variant of variants) {
    const worker = await host.start()
    /** @type {Measured} */
    const measured = { variant, times: [], wall: [] }
    const entry = { worker, measured, alive: true, repeat: 1 }
    const ask = async (/** @type {import('./engines.js').Order} */ order) => {
      if (!entry.alive) return {}
      const answer = await worker.ask(order, limitMs(variant))
      if (answer.failed !== undefined) {
        Object.assign(measured, { failed: answer.failed, notAvailable: answer.notAvailable, times: [], wall: [] })
        entry.alive = false
        await worker.stop()
      }
      return answer
    }
    entries.push({ entry, ask })
    progress(`n ${variant.shape.n_max}: warming up ${entries.length} of ${variants.length}`)
    try {
      await ask({ type: 'open', variant, file: fileOf(variant) })
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error
      Object.assign(measured, { failed: error.message, notAvailable: true })
      entry.alive = false
      await worker.stop()
      continue
    }
    const first = await ask({ type: 'run' }) // compiles, and touches the memory
    if (first.ms === undefined) continue
    if (first.ms > SLOW_MS) keep(measured, first, 1)
    entry.repeat = Math.ceil(SHORT_MS / first.ms)
  }
  for (let round = 0; round < rounds; round++) {
    for (const { entry: { measured, alive, repeat }, ask } of entries) {
      if (!alive || measured.wall[0] > SLOW_MS) continue
      progress(`n ${measured.variant.shape.n_max}: round ${round + 1} of ${rounds}`)
      keep(measured, await ask({ type: 'run', repeat }), repeat)
    }
  }
  for (const { entry } of entries) {
    if (entry.alive) await entry.worker.stop()
  }
  return entries.map(({ entry }) => entry.measured)
}

/** @param {Measured} measured @param {import('./hosts.js').Answer} answer @param {number} repeat */
function keep(measured, { ms, cpuMs, margin, memory, peakRss }, repeat) {
  if (ms === undefined) return
  measured.times.push((measured.variant.threads === 1 && cpuMs !== undefined ? cpuMs : ms) / repeat)
  measured.wall.push(ms / repeat)
  Object.assign(measured, { margin, memory, peakRss })
}
