/** The table as a file: CSV as the command line writes it, with nothing that a spreadsheet takes for a formula, or JSON. */
import { csvLine, neutral } from '../bin/csv.js'
import { createPause } from '../common/pause.js'

/** @typedef {import('./queue.js').Row} Row */

/** @param {readonly Row[]} rows @param {string} task @returns {Promise<Blob>} */
export async function csvOf(rows, task) {
  const pause = createPause()
  const lines = ['\uFEFF', csvLine(['id', 'label', 'score', 'typicality', 'doubt', 'tokens', 'windows', 'error'])]
  for (const { id, results, problem } of rows) {
    const result = results.get(task)
    const label = result?.found === undefined ? result?.label ?? '' : result.found.map((each) => each.label).join('; ')
    lines.push(csvLine([id, label, result?.score ?? '', result?.typicality ?? '', result?.doubt ?? '', result?.tokens ?? '', result?.windows ?? '', problem ?? ''].map(neutral)))
    await pause()
  }
  return new Blob(lines, { type: 'text/csv' })
}

/** All tasks' answers. @param {readonly Row[]} rows @returns {Promise<Blob>} */
export async function jsonOf(rows) {
  const pause = createPause()
  const lines = []
  for (const { id, results, problem, notes } of rows) {
    lines.push(JSON.stringify({ id, ...(problem === undefined ? {} : { error: problem }), ...(notes.length > 0 ? { notes } : {}), results: Object.fromEntries(results) }))
    await pause()
  }
  return new Blob([`[${lines.join(',\n')}]\n`], { type: 'application/json' })
}
