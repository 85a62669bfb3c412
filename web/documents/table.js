/** Your documents: many of them in a table that can be sorted, opened one by one, mended and saved. */
import { arrange, element, find } from '../common/dom.js'
import { count, percent, plural } from '../common/format.js'
import { createPager } from '../common/pager.js'
import { save } from '../common/save.js'
import { inWords } from '../page/errors.js'
import { doubtIn } from '../page/result.js'
import { labelPicker } from '../teach/examples-table.js'
import { OWN } from '../teach/teach.js'
import { csvOf, jsonOf } from './export.js'

/**
 * @typedef {import('./queue.js').Row} Row
 * @typedef {import('../wasm/index.js').Result} Result
 */

const ROWS = 50
const REDRAW_MS = 200
const SAID_MS = 2000

/** What can be sorted by. @type {{ name: string, value: (row: Row, result: Result | undefined) => string | number }[]} */
const COLUMNS = [
  { name: 'Document', value: (row) => row.number },
  { name: 'Label', value: (_, result) => (result === undefined ? '\uffff' : result.found === undefined ? result.label : String(1e6 - result.found.length)) },
  { name: 'Score', value: (_, result) => result?.score ?? -1 },
  { name: 'Typicality', value: (_, result) => result?.typicality ?? 2 },
  { name: 'Tokens', value: (_, result) => result?.tokens ?? -1 },
  { name: 'Windows', value: (_, result) => result?.windows ?? -1 }
]

/**
 * @param {HTMLElement} section
 * @param {object} surroundings
 * @param {import('./queue.js').Queue} surroundings.queue
 * @param {ReturnType<typeof import('../page/tasks.js').createTasks>} surroundings.tasks
 * @param {import('../teach/examples.js').Examples} surroundings.examples
 * @param {(text: string) => void} surroundings.onOpen a document is to be shown with its reasons
 * @param {(files: File[]) => void} surroundings.onFiles some were chosen
 */
export function createDocumentsTable(section, { queue, tasks, examples, onOpen, onFiles }) {
  const body = find(section, '.documents-body', HTMLElement)
  const [files, folder] = [element('input', { type: 'file', multiple: '', 'aria-label': 'Documents' }), element('input', { type: 'file', multiple: '', webkitdirectory: '', 'aria-label': 'A folder of documents' })]
  for (const input of [files, folder]) {
    input.hidden = true
    input.addEventListener('change', () => {
      const chosen = [...input.files ?? []].filter(({ name }) => !name.startsWith('.'))
      input.value = ''
      if (chosen.length > 0) onFiles(chosen)
    })
  }
  const button = (/** @type {string} */ words, /** @type {() => void} */ onClick) => {
    const made = element('button', { type: 'button' }, words)
    made.addEventListener('click', onClick)
    return made
  }
  const open = button('Open files…', () => files.click())
  const stop = button('Stop', () => queue.stop())
  const goOn = button('Go on', () => void run())
  const csv = button('Save as CSV', async () => save(await csvOf(queue.rows, tasks.current().id), 'documents.csv'))
  const json = button('Save as JSON', async () => save(await jsonOf(queue.rows), 'documents.json'))
  const empty = button('Empty the table', () => queue.clear())
  const bar = element('progress', { max: '1', value: '0', 'aria-label': 'Documents read' })
  const status = element('p', { class: 'soft', role: 'status' })
  const problem = element('div', { class: 'notice', role: 'alert' })
  problem.hidden = true
  const corrected = element('p', { class: 'soft', role: 'status' })

  const pager = createPager(ROWS, draw)
  const rows = element('tbody')
  const headings = COLUMNS.map(({ name }, i) => {
    const sort = element('button', { type: 'button' }, name)
    sort.addEventListener('click', () => {
      if (column === i) ascending = !ascending
      else [column, ascending] = [i, true]
      pager.first()
      draw()
    })
    return element('th', { scope: 'col' }, sort)
  })
  const mend = element('th', { scope: 'col' }, 'Is it right?')
  const table = element('div', { class: 'scroll', role: 'region', 'aria-label': 'Your documents', tabindex: '0' },
    element('table', { class: 'documents' }, element('thead', {}, element('tr', {}, ...headings, mend)), rows))
  const full = element('div', {}, element('div', { class: 'actions' }, stop, goOn, csv, json, empty), bar, status, problem, table, pager.box, corrected)
  body.append(element('div', { class: 'actions' }, open, button('Open a folder…', () => folder.click()), files, folder), full)

  /** @type {WeakMap<Row, { line: HTMLElement, state: unknown[] }>} */
  const lines = new WeakMap()
  let column = 0
  let ascending = true
  let corrections = 0
  let said = -Infinity

  function draw() {
    const task = tasks.current()
    const all = queue.rows
    full.hidden = all.length === 0
    if (all.length === 0) return
    const done = queue.done(task)
    const refused = all.reduce((n, { problem }) => n + (problem === undefined ? 0 : 1), 0)
    bar.value = done / all.length
    stop.hidden = !queue.busy
    goOn.hidden = queue.busy || done === all.length
    const words = `${count(done)} of ${plural(all.length, 'document')}${refused > 0 ? `, ${count(refused)} not readable` : ''}: ${task.title}.`
    // A live region: said now and then while they are read, and at the end.
    if (!queue.busy || performance.now() - said > SAID_MS) {
      status.textContent = words
      said = performance.now()
    }
    mend.hidden = task.id !== OWN
    for (const [i, heading] of headings.entries()) {
      if (i === column) heading.setAttribute('aria-sort', ascending ? 'ascending' : 'descending')
      else heading.removeAttribute('aria-sort')
    }
    arrange(rows, pager.of(sorted(all, task.id)).map((row) => {
      const result = row.results.get(task.id)
      const own = task.id === OWN
      // What a line is made of: while that is the same, the line is, with the focus that may be in it.
      const state = [result ?? row.problem ?? queue.busy, row.id, own && examples.labels]
      const before = lines.get(row)
      if (before !== undefined && state.every((each, i) => each === before.state[i])) return before.line
      const line = lineOf(row, result, own)
      lines.set(row, { line, state })
      return line
    }))
  }

  /** @param {readonly Row[]} all @param {string} task */
  function sorted(all, task) {
    if (column === 0 && ascending) return all
    const { value } = COLUMNS[column]
    const keyed = all.map((row) => ({ row, key: value(row, row.results.get(task)) }))
    const way = ascending ? 1 : -1
    keyed.sort((a, b) => (a.key < b.key ? -way : a.key > b.key ? way : a.row.number - b.row.number))
    return keyed.map(({ row }) => row)
  }

  /** @param {Row} row @param {Result | undefined} result @param {boolean} own */
  function lineOf(row, result, own) {
    const name = element('bdi', {}, row.id)
    if (result === undefined) {
      const why = row.problem ?? (queue.busy ? 'waiting' : 'not read')
      return element('tr', {}, element('th', { scope: 'row' }, name), element('td', { class: 'prose soft', colspan: String(COLUMNS.length - 1 + (own ? 1 : 0)) }, why))
    }
    const shown = element('button', { type: 'button', class: 'quiet' }, name)
    shown.addEventListener('click', async () => onOpen(await row.text?.text() ?? ''))
    const doubt = doubtIn(result)
    const label = result.found === undefined ? result.label : result.found.length === 0 ? 'none found' : result.found.map((each) => each.label).join(', ')
    const cells = [
      element('th', { scope: 'row' }, shown, ...(row.notes.length > 0 ? [element('span', { class: 'soft note' }, row.notes.join('; '))] : [])),
      element('td', { class: doubt === undefined ? 'prose' : 'prose doubtful' }, label), element('td', {}, percent(result.score)),
      element('td', {}, doubt ?? (result.typicality === undefined ? '–' : percent(result.typicality))),
      element('td', {}, count(result.tokens)), element('td', {}, count(result.windows))
    ]
    if (own) {
      cells.push(element('td', {}, labelPicker(examples.labels, result.label, `Label of ${row.id}`, async (wanted) => {
        const text = await row.text?.text() ?? ''
        examples.add([{ text, label: wanted, name: row.id }])
        corrected.textContent = `${plural(++corrections, 'correction')} added to your examples: teach again to use ${corrections === 1 ? 'it' : 'them'}.`
      })))
    }
    return element('tr', {}, ...cells)
  }

  /** @type {number | undefined} */
  let waiting
  function drawSoon() {
    waiting ??= window.setTimeout(() => {
      waiting = undefined
      draw()
    }, queue.busy ? REDRAW_MS : 0)
  }

  async function run() {
    problem.hidden = true
    try {
      await queue.run()
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return
      const { what, detail, next } = inWords(error)
      if (/ABORTED/.test(String(/** @type {{ code?: string }} */ (error).code))) return
      problem.replaceChildren(element('p', {}, element('strong', {}, what), ` ${detail} ${next}`))
      problem.hidden = false
    }
  }

  queue.addEventListener('change', drawSoon)
  draw()
  return {
    /** @param {readonly File[]} chosen */
    add(chosen) {
      queue.add(chosen)
      void run()
    },
    /** A task's answers are no longer right. @param {string} task */
    forget: (task) => queue.forget(task),
    /** Another task is shown. */
    refresh() {
      draw()
      if (queue.rows.length > 0 && !queue.busy) void run()
    }
  }
}
