/**
 * The sections of the benchmarks: each measures, puts what it found into `results`, and gives the text to print.
 */
import { PAPER } from '../web/chapters/paper.js'
import { agreement } from './agreement.js'
import { compare } from './compare.js'
import { measureDocuments } from './documents.js'
import { measureModels } from './models.js'
import { measurePeaks, peakOf } from './peak.js'
import * as report from './report.js'
import { measureStages } from './stages.js'
import { startInChromium, startInNode } from './start.js'
import { table3 } from './table3.js'
import { compareTokenizers } from './tokenizer.js'

/**
 * @typedef {object} Context
 * @property {import('./hosts.js').Host} host
 * @property {boolean} inNode the host is Node.js
 * @property {boolean} startIsMeasured the host is one that `start` knows how to start
 * @property {{ lengths: number[], rounds: number, quick: boolean, transformer: boolean, exported?: string, python?: string, text?: string, data?: string }} chosen
 * @property {any} results of this host; a section has the key of its own name, and `peaks`
 * @property {(text: string) => void} progress
 */

/** The best of each micro-kernel, now and before. @param {Context} context */
async function notePeaks({ host, results }) {
  const now = await measurePeaks(host)
  results.peaks = Object.fromEntries(Object.entries(now).map(([name, value]) => [name, Math.max(value, results.peaks?.[name] ?? 0)]))
}

/**
 * What a run adds to the items of earlier ones: those with the same key are replaced.
 *
 * @template T
 * @param {T[] | undefined} before
 * @param {T[]} now
 * @param {(item: T) => number} key
 */
function merge(before, now, key) {
  const keys = new Set(now.map(key))
  return [...(before ?? []).filter((item) => !keys.has(key(item))), ...now].sort((a, b) => key(a) - key(b))
}

/**
 * @typedef {object} Section
 * @property {(context: Context) => boolean} [applies] default: always
 * @property {(context: Context) => Promise<void>} measure
 * @property {(results: any) => string} text
 */

/** @type {Record<string, Section>} */
export const sections = {
  compare: {
    async measure(context) {
      const { host, inNode, chosen: { lengths, rounds, exported, transformer, python }, results, progress } = context
      await notePeaks(context)
      const measured = await compare(host, { lengths, rounds, exported, python, page: !inNode, transformer, progress })
      await notePeaks(context)
      results.compare = merge(results.compare, measured, ([{ variant }]) => variant.shape.n_max)
    },
    text: ({ host, peaks, compare: lengths }) =>
      report.peakTable(host, peaks) + report.compareTables(host, lengths, peaks) + report.summaryTable(host, lengths) +
      report.liteRtTable(host, lengths)
  },

  stages: {
    async measure(context) {
      const { host, chosen: { rounds }, results, progress } = context
      await notePeaks(context)
      results.stages = {}
      for (const backend of /** @type {const} */ (['relaxed', 'simd128'])) {
        for (const precision of /** @type {const} */ (['float32', 'int8'])) {
          results.stages[`${precision} ${backend}`] = await measureStages(host, { n: 4096, rounds: 3 * rounds, backend, precision, progress })
        }
      }
    },
    text: ({ host, peaks, stages }) => Object.entries(stages).map(([name, measured]) =>
      report.stagesTable(`${host}, n = 4,096, ${name}, one thread: where the time goes`, measured, peakOf(peaks, name))).join('')
  },

  start: {
    applies: ({ startIsMeasured }) => startIsMeasured,
    async measure({ inNode, chosen: { rounds, python }, results }) {
      results.start = await (inNode ? startInNode(rounds) : startInChromium(rounds, python))
    },
    text: ({ host, start }) => report.startTable(host, start)
  },

  tokenizer: {
    applies: ({ inNode }) => inNode,
    async measure({ chosen: { rounds, text }, results }) {
      results.tokenizer = await compareTokenizers({ rounds, text })
    },
    text: ({ tokenizer }) => report.tokenizerTable(tokenizer)
  },

  table3: {
    async measure({ host, inNode, chosen, results, progress }) {
      const most = Math.min(inNode ? 65536 : 8192, Math.max(...chosen.lengths))
      const lengths = [...PAPER.keys()].filter((n) => n <= most)
      const cells = await table3(host, { lengths, rounds: Math.min(chosen.rounds, 3), progress })
      results.table3 = merge(results.table3, cells, ({ n, k }) => n * 65536 + k)
    },
    text: ({ host, table3: cells }) => report.table3Table(host, cells)
  },

  models: {
    async measure({ host, chosen: { rounds }, results, progress }) {
      results.models = await measureModels(host, { rounds, progress })
    },
    text: ({ host, models }) => report.modelsTables(host, models)
  },

  documents: {
    applies: ({ inNode }) => inNode,
    async measure({ chosen: { quick }, results, progress }) {
      results.documents = await measureDocuments({ quick, progress })
    },
    text: ({ documents }) => report.documentsTables(documents)
  },

  agreement: {
    applies: ({ inNode, chosen: { data } }) => inNode && data !== undefined,
    async measure({ chosen: { data }, results, progress }) {
      results.agreement = await agreement(/** @type {string} */ (data), progress)
    },
    text: ({ agreement: result }) => report.agreementTable(result)
  }
}
