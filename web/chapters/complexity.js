/** Linear against quadratic: both measured on this machine, length by length, beside what the paper reports. */
import { element, find } from '../common/dom.js'
import { bytes, count, duration } from '../common/format.js'
import { Messenger, STOPPED, WorkerError } from '../workers/messenger.js'
import { draw } from './chart.js'
import { STORED } from './measured.js'
import { PAPER, PAPER_KS } from './paper.js'
import { mountRace, times } from './race.js'
import { K, matrixBytes } from './shape.js'

/** @typedef {import('../workers/complexity.js').Point} Point */

const LENGTHS = [512, 1024, 2048, 4096, 8192, 16384]
const LONGER = [32768, 65536]

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

  /** Measured by the visitor. @type {Point[]} */
  let points = []
  /** Tokens of the visitor's document. @type {number | undefined} */
  let own
  const measurer = new Messenger(new URL('../workers/complexity.js', import.meta.url))
  let busy = false
  const race = mountRace(find(section, '#race-body', HTMLElement), { onBusy: (racing) => start.setAttribute('aria-disabled', String(racing)) })

  const lengths = () => (longer.checked || points.some(({ n }) => n > 16384) ? [...LENGTHS, ...LONGER] : LENGTHS)

  async function measure() {
    points = []
    show()
    setBusy(true)
    status.textContent = 'Warming up…'
    try {
      await measurer.call('measure', { lengths: lengths() }, {
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
    race.hold(busy)
    start.setAttribute('aria-disabled', String(busy))
    stop.setAttribute('aria-disabled', String(!busy))
  }

  /** @param {Point[]} from @param {Point['attention']} attention @param {number} n */
  const pointOf = (from, attention, n) => from.find((point) => point.attention === attention && point.n === n)

  function summary() {
    const last = lengths().at(-1) ?? 0
    const [linformer, full] = [pointOf(points, 'linformer', last), pointOf(points, 'full', last)]
    if (linformer === undefined || full === undefined) return 'Done.'
    return `Done. At ${count(last)} tokens the Linformer is ${times(full.milliseconds / linformer.milliseconds)} faster here.`
  }

  function show() {
    const all = lengths()
    // Until the visitor's own lines are whole, the stored ones stay behind them.
    const whole = points.length >= 2 * all.length
    const line = (/** @type {Point[]} */ from, /** @type {Point['attention']} */ attention, /** @type {'milliseconds' | 'workspace'} */ what) => {
      return from.filter((point) => point.attention === attention && all.includes(point.n)).map((point) => /** @type {[number, number]} */ ([point.n, point[what]]))
    }
    /** @param {'milliseconds' | 'workspace'} what @returns {import('./chart.js').Series[]} */
    const lines = (what) => {
      const started = points.length > 0
      const [back, front] = [whole ? [] : STORED.points, points].map((from, i) => {
        const stored = i === 0 ? ' series-stored' : ''
        const name = (/** @type {string} */ words) => (i === 0 && started ? '' : words)
        return [
          { name: name('Transformer'), className: `series-full${stored}`, points: line(from, 'full', what) },
          { name: name('Linformer'), className: `series-linformer${stored}`, points: line(from, 'linformer', what), below: true }
        ]
      })
      return [...back, ...front]
    }
    /** @type {import('./chart.js').Axis} */
    const x = {
      scale: 'log', domain: [512, all[all.length - 1]], ticks: all, title: 'tokens', format: (n) => (n < 1024 ? String(n) : `${n / 1024}k`)
    }
    const from = points.length === 0 ? `Stored measurement: ${STORED.machine}` : whole ? 'Measured on this machine' : 'Measured on this machine; pale: the stored measurement'
    const summary = `${from}. The table below has the numbers.`
    const marker = own === undefined ? {} : { marker: { x: own, text: 'your document' } }
    const top = Math.max(all.length > 6 ? 1e6 : 1e5, ...points.map(({ milliseconds }) => milliseconds))
    draw(timeChart, {
      title: 'Time', subtitle: `of one document; both axes logarithmic. ${from}.`, summary, x, ...marker,
      y: { scale: 'log', domain: [Math.min(5, ...points.map(({ milliseconds }) => milliseconds)), top], ticks: [10, 100, 1000, 10_000, 100_000, 1e6].filter((tick) => tick <= top), format: seconds, exact: duration, title: '' },
      series: lines('milliseconds')
    })
    const [low, high] = [2 ** 18, 4 * matrixBytes(all[all.length - 1])]
    draw(memoryChart, {
      title: 'Memory', subtitle: `of the forward pass, without weights. ${from}.`, summary, x,
      y: { scale: 'log', domain: [low, high], ticks: [2 ** 20, 2 ** 24, 2 ** 28, 2 ** 32, 2 ** 36].filter((tick) => tick <= high), format: roundBytes, exact: bytes, title: '' },
      series: [{ name: 'n × n matrices', className: 'series-matrices', dashed: true, points: all.map((n) => [n, matrixBytes(n)]) }, ...lines('workspace')]
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
      const measured = pointOf(points, 'full', n) !== undefined
      const source = measured ? points : STORED.points
      const [linformer, full, paper] = [pointOf(source, 'linformer', n), pointOf(source, 'full', n), PAPER.get(n)?.[PAPER_KS.indexOf(K)]]
      const both = linformer !== undefined && full !== undefined
      const cell = (/** @type {string | undefined} */ text, /** @type {string} */ className) => {
        return element('td', { class: text === undefined ? 'waiting' : className }, text ?? '–')
      }
      return element('tr', measured ? {} : { class: 'stored' },
        element('th', { scope: 'row' }, count(n)),
        cell(linformer && duration(linformer.milliseconds), ''), cell(full && duration(full.milliseconds), ''),
        cell(both ? times(full.milliseconds / linformer.milliseconds) : undefined, 'here'), cell(paper && times(paper[0]), 'paper'),
        cell(linformer && bytes(linformer.workspace), ''), cell(full && bytes(full.workspace), ''),
        cell(linformer && times((matrixBytes(n) + linformer.workspace) / linformer.workspace), 'here'), cell(paper && times(paper[1]), 'paper'))
    })
    const caption = element('caption', {})
    if (points.length < 2 * all.length) {
      caption.append(element('span', { class: 'tag' }, 'stored measurement'), element('small', {}, ` ${STORED.machine}, ${STORED.date}${points.length > 0 ? '; in full colour what was measured here' : ''}`))
    } else caption.append('Measured here, beside the paper')
    tableBox.replaceChildren(element('table', {}, caption, head, element('tbody', {}, ...rows)))
  }

  start.addEventListener('click', () => {
    if (start.getAttribute('aria-disabled') !== 'true') void measure()
  })
  stop.addEventListener('click', () => measurer.close())
  longer.addEventListener('change', show)
  show()
  return {
    /** The visitor's document has so many tokens: the race is over that length. @param {number} tokens */
    documentRead(tokens) {
      own = tokens
      race.documentRead(tokens)
      show()
    }
  }
}
