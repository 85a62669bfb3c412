/**
 * Interleaved measurement: all variants are open at once, each in its own process or page, and take turns.
 */

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
    const entry = { worker, measured, alive: true }
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
    entries.push({ ...entry, ask, isAlive: () => entry.alive })
    progress(`n ${variant.shape.n_max}: warming up ${entries.length} of ${variants.length}`)
    await ask({ type: 'open', variant, file: fileOf(variant) })
    const first = await ask({ type: 'run' }) // compiles, and touches the memory
    if (Number(first.ms) > SLOW_MS) keep(measured, first)
  }
  for (let round = 0; round < rounds; round++) {
    for (const { measured, ask, isAlive } of entries) {
      if (!isAlive() || measured.wall[0] > SLOW_MS) continue
      progress(`n ${measured.variant.shape.n_max}: round ${round + 1} of ${rounds}`)
      keep(measured, await ask({ type: 'run' }))
    }
  }
  for (const { worker, isAlive } of entries) {
    if (isAlive()) await worker.stop()
  }
  return entries.map(({ measured }) => measured)
}

/** @param {Measured} measured @param {import('./hosts.js').Answer} answer */
function keep(measured, { ms, cpuMs, margin, memory, peakRss }) {
  if (ms === undefined) return
  measured.times.push(measured.variant.threads === 1 && cpuMs !== undefined ? cpuMs : ms)
  measured.wall.push(ms)
  Object.assign(measured, { margin, memory, peakRss })
}
