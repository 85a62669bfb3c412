/**
 * The sections of the benchmarks: each measures, puts what it found into `results`, and gives the text to print.
 */
import { agreement } from './agreement.js'
import { compare } from './compare.js'
import { measurePeaks } from './peak.js'
import * as report from './report.js'
import { measureStages } from './stages.js'
import { startInChromium, startInNode } from './start.js'
import { PAPER, table3 } from './table3.js'
import { compareTokenizers } from './tokenizer.js'

/**
 * @typedef {object} Context
 * @property {import('./hosts.js').Host} host
 * @property {boolean} inNode the host is Node.js
 * @property {{ lengths: number[], rounds: number, quick: boolean, exported?: string, text?: string, data?: string }} chosen
 * @property {any} results of this host; a section has the key of its own name, and `peaks`
 * @property {(text: string) => void} progress
 */

/** The best of each micro-kernel, now and before. @param {Context} context */
async function notePeaks({ host, results }) {
  const now = await measurePeaks(host)
  results.peaks = Object.fromEntries(Object.entries(now).map(([name, value]) => [name, Math.max(value, results.peaks?.[name] ?? 0)]))
}

/** @type {Record<string, (context: Context) => Promise<string | undefined>>} undefined: not for this host */
export const sections = {
  async compare(context) {
    const { host, chosen: { lengths, rounds, exported }, results, progress } = context
    await notePeaks(context)
    const measured = await compare(host, { lengths, rounds, exported, progress })
    await notePeaks(context)
    const others = (results.compare ?? []).filter((/** @type {import('./rounds.js').Measured[]} */ [{ variant }]) => !lengths.includes(variant.shape.n_max))
    results.compare = [...others, ...measured].sort(([a], [b]) => a.variant.shape.n_max - b.variant.shape.n_max)
    return report.peakTable(host.name, results.peaks) + report.compareTables(host.name, measured, results.peaks) + report.summaryTable(host.name, measured)
  },

  async stages(context) {
    const { host, chosen: { rounds }, results, progress } = context
    await notePeaks(context)
    results.stages = {}
    const tables = []
    for (const backend of /** @type {const} */ (['relaxed', 'simd128'])) {
      for (const precision of /** @type {const} */ (['float32', 'int8'])) {
        const name = `${precision} ${backend}`
        results.stages[name] = await measureStages(host, { n: 4096, rounds: 3 * rounds, backend, precision, progress })
        tables.push(report.stagesTable(`${host.name}, n = 4,096, ${name}, one thread: where the time goes`, results.stages[name], results.peaks[name]))
      }
    }
    return tables.join('')
  },

  async start({ host, inNode, chosen: { rounds }, results }) {
    results.start = await (inNode ? startInNode : startInChromium)(rounds)
    return report.startTable(host.name, results.start)
  },

  async tokenizer({ inNode, chosen: { rounds, text }, results }) {
    if (!inNode) return undefined
    results.tokenizer = await compareTokenizers({ rounds, text })
    return report.tokenizerTable(results.tokenizer)
  },

  async table3({ host, inNode, chosen, results, progress }) {
    const most = inNode ? Math.max(...chosen.lengths) : Math.min(8192, Math.max(...chosen.lengths))
    const lengths = Object.keys(PAPER).map(Number).filter((n) => n <= most)
    const cells = await table3(host, { lengths, rounds: Math.min(chosen.rounds, 3), progress })
    results.table3 = [...(results.table3 ?? []).filter((/** @type {import('./table3.js').Cell} */ { n }) => !lengths.includes(n)), ...cells].sort((a, b) => a.n - b.n || a.k - b.k)
    return report.table3Table(host.name, cells)
  },

  async agreement({ inNode, chosen: { data }, results, progress }) {
    if (!inNode || data === undefined) return undefined
    results.agreement = await agreement(data, progress)
    return report.agreementTable(results.agreement)
  }
}
