/** Linear against quadratic: both measured on this machine, length by length, beside what the paper reports. */
import { draw } from './chart.js'
import { element, find } from '../common/dom.js'
import { bytes, count, duration } from '../common/format.js'
import { Messenger, STOPPED, WorkerError } from '../workers/messenger.js'
import { PAPER, PAPER_KS } from './paper.js'

/** @typedef {import('../workers/complexity.js').Point} Point */

const LENGTHS = [512, 1024, 2048, 4096, 8192, 16384]
const LONGER = [32768, 65536]
const K = 128
const SHAPE = { d_model: 128, n_layers: 2, n_heads: 4, d_ff: 512, n_classes: 2, sharing: 'layerwise', projection: 'linear' }

/** What an n × n matrix of attention for each head takes, in 4-byte numbers. @param {number} n */
const matrices = (n) => 4 * n * n * SHAPE.n_heads

const times = (/** @type {number} */ ratio) => `${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)}×`

/** @param {number} milliseconds */
const seconds = (milliseconds) => (milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`)

/** @param {number} size */
const roundBytes = (size) => (size < 2 ** 30 ? `${size / 2 ** 20} MiB` : `${size / 2 ** 30} GiB`)

const named = { linformer: 'Linformer', full: 'Transformer' }

/** @param {HTMLElement} section the chapter, in the page */
export function mountComplexity(section) {
  const start = find(section, '#measure', HTMLButtonElement)
  const stop = find(section, '#measure-stop', HTMLButtonElement)
  const longer = find(section, '#measure-longer', HTMLInputElement)
  const status = find(section, '#measure-status', HTMLElement)
  const [timeChart, memoryChart, tableBox] = ['#chart-time', '#chart-memory', '#complexity-table'].map((selector) => find(section, selector, HTMLElement))

  /** @type {Point[]} */
  let points = []
  const measurer = new Messenger(new URL('../workers/complexity.js', import.meta.url))
  let busy = false

  const lengths = () => (longer.checked || points.some(({ n }) => n > 16384) ? [...LENGTHS, ...LONGER] : LENGTHS)

  async function measure() {
    points = []
    show()
    setBusy(true)
    status.textContent = 'Warming up…'
    try {
      await measurer.call('measure', { lengths: lengths(), shape: SHAPE, k: K }, {
        onProgress({ at, point }) {
          if (at !== undefined) say(at)
          if (point === undefined) return
          points.push(point)
          show()
        }
      })
      status.textContent = summary()
    } catch (error) {
      const why = error instanceof WorkerError ? error.message : String(error)
      status.textContent = why === STOPPED ? 'Stopped. What was measured stays.' : `It stopped: ${why}. Reload the page and try again.`
    } finally {
      measurer.close()
      setBusy(false)
    }
  }

  /** @param {{ attention: 'linformer' | 'full', n: number, share: number }} at */
  function say({ attention, n, share }) {
    const words = `${named[attention]}, ${count(n)} tokens`
    status.textContent = share > 0 ? `${words}: ${Math.floor(100 * share)} %` : `${words}…`
  }

  /** @param {boolean} now */
  function setBusy(now) {
    busy = now
    start.setAttribute('aria-disabled', String(busy))
    stop.setAttribute('aria-disabled', String(!busy))
  }

  /** @param {Point['attention']} attention @param {number} n */
  const pointOf = (attention, n) => points.find((point) => point.attention === attention && point.n === n)

  function summary() {
    const last = lengths().at(-1) ?? 0
    const [linformer, full] = [pointOf('linformer', last), pointOf('full', last)]
    if (linformer === undefined || full === undefined) return 'Done.'
    return `Done. At ${count(last)} tokens the Linformer is ${times(full.milliseconds / linformer.milliseconds)} faster here.`
  }

  function show() {
    const all = lengths()
    const line = (/** @type {Point['attention']} */ attention, /** @type {'milliseconds' | 'workspace'} */ what) => {
      return points.filter((point) => point.attention === attention).map((point) => /** @type {[number, number]} */ ([point.n, point[what]]))
    }
    /** @type {import('./chart.js').Axis} */
    const x = {
      scale: 'log', domain: [512, all[all.length - 1]], ticks: all, title: 'tokens', format: (n) => (n < 1024 ? String(n) : `${n / 1024}k`)
    }
    const shown = points.length === 0 ? 'Nothing has been measured yet.' : 'The table below has the numbers.'
    const empty = 'not measured yet'
    const top = Math.max(all.length > 6 ? 1e6 : 1e5, ...points.map(({ milliseconds }) => milliseconds))
    draw(timeChart, {
      title: 'Time', subtitle: 'of one document; both axes logarithmic', summary: shown, x, empty,
      y: { scale: 'log', domain: [1, top], ticks: [1, 10, 100, 1000, 10_000, 100_000, 1e6].filter((tick) => tick <= top), format: seconds, title: '' },
      series: [
        { name: 'Transformer', className: 'series-full', points: line('full', 'milliseconds') },
        { name: 'Linformer', className: 'series-linformer', points: line('linformer', 'milliseconds'), below: true }
      ]
    })
    const [low, high] = [2 ** 18, 4 * matrices(all[all.length - 1])]
    draw(memoryChart, {
      title: 'Memory', subtitle: 'of the forward pass, without weights', summary: shown, x,
      y: { scale: 'log', domain: [low, high], ticks: [2 ** 20, 2 ** 24, 2 ** 28, 2 ** 32, 2 ** 36].filter((tick) => tick <= high), format: roundBytes, title: '' },
      series: [
        { name: 'n × n matrices', className: 'series-matrices', dashed: true, points: all.map((n) => [n, matrices(n)]) },
        { name: 'Transformer', className: 'series-full', points: line('full', 'workspace') },
        { name: 'Linformer', className: 'series-linformer', points: line('linformer', 'workspace'), below: true }
      ]
    })
    table(all)
  }

  /** @param {number[]} all */
  function table(all) {
    const head = element('thead', {},
      element('tr', {}, element('td', {}),
        element('th', { colspan: '3', scope: 'colgroup' }, 'Time'), element('th', { colspan: '1', scope: 'colgroup' }, 'Paper'),
        element('th', { colspan: '3', scope: 'colgroup' }, 'Memory'), element('th', { colspan: '1', scope: 'colgroup' }, 'Paper')),
      element('tr', {}, ...['Tokens', 'Linformer', 'Transformer', 'faster', 'faster', 'Linformer', 'Transformer', 'less than n × n', 'less']
        .map((name) => element('th', { scope: 'col' }, name))))
    const rows = all.map((n) => {
      const [linformer, full, paper] = [pointOf('linformer', n), pointOf('full', n), PAPER.get(n)?.[PAPER_KS.indexOf(128)]]
      const both = linformer !== undefined && full !== undefined
      const cell = (/** @type {string | undefined} */ text, /** @type {string} */ className) => {
        return element('td', { class: text === undefined ? 'waiting' : className }, text ?? '–')
      }
      return element('tr', {},
        element('th', { scope: 'row' }, count(n)),
        cell(linformer && duration(linformer.milliseconds), ''), cell(full && duration(full.milliseconds), ''),
        cell(both ? times(full.milliseconds / linformer.milliseconds) : undefined, 'here'), cell(paper && times(paper[0]), 'paper'),
        cell(linformer && bytes(linformer.workspace), ''), cell(full && bytes(full.workspace), ''),
        cell(linformer && times((matrices(n) + linformer.workspace) / linformer.workspace), 'here'), cell(paper && times(paper[1]), 'paper'))
    })
    tableBox.replaceChildren(element('table', {},
      element('caption', {}, 'Measured here, beside the paper'), head, element('tbody', {}, ...rows)))
  }

  start.addEventListener('click', () => {
    if (!busy) void measure()
  })
  stop.addEventListener('click', () => measurer.close())
  longer.addEventListener('change', show)
  show()
}
