/**
 * The whole document at a glance, as editors have it: lines of the text as thin strokes in the colours of the passages,
 * a window over the part that is in sight, and a line up to which the document is read. For the eye and the pointer only; the reader
 * beside it and the slider below it have the keyboard.
 */
import { element, find } from '../common/dom.js'

/**
 * @typedef {import('./passages.js').Account} Account
 * @typedef {import('./passages.js').Clause} Clause
 */

const COLUMNS = 72 // characters in a line of the map
const LINE = 3 // pixels that a line takes at most
const PAD = 6 // pixels left and right
const EDGE = 4 // pixels of a mark at the edge

/**
 * @param {HTMLElement} map
 * @param {HTMLElement} scroller the document
 * @param {import('./reader.js').Reader} reader
 * @param {(place: number) => void} onCut the line was moved to a place of the text
 */
export function createMinimap(map, scroller, reader, onCut) {
  const canvas = find(map, 'canvas', HTMLCanvasElement)
  const frame = find(map, '.window', HTMLElement)
  const cut = element('div', { class: 'cut', title: 'Read only so far' })
  cut.hidden = true
  map.append(cut)

  /** @type {{ text: string, account: Account, clauses: readonly Clause[], starts: number[], rows: number } | undefined} */
  let shown
  /** Place in the text up to which it is read. @type {number | undefined} */
  let end

  /** @param {string} text @param {Account} account @param {readonly Clause[]} clauses marked at the edge */
  function show(text, account, clauses) {
    // Where each line of the map starts: at a line break of the text, or after so many characters.
    const starts = []
    for (let at = 0; at < text.length;) {
      starts.push(at)
      const end = text.indexOf('\n', at)
      at = end >= 0 && end < at + COLUMNS ? end + 1 : at + COLUMNS
    }
    shown = { text, account, clauses, starts, rows: Math.max(1, starts.length) }
    map.hidden = false
    draw()
  }

  /** There, but empty: so the document beside it keeps its width. */
  function blank() {
    hide()
    map.hidden = false
    canvas.width = 0
    cut.hidden = true
    frame.hidden = true
  }

  function hide() {
    map.hidden = true
    shown = undefined
    end = undefined
  }

  const lineHeight = () => Math.min(LINE, (map.clientHeight - 2 * EDGE) / (shown?.rows ?? 1))

  /** @param {number} at offset in the text @returns {number} row, from 0 */
  function rowOf(at) {
    const starts = shown?.starts ?? []
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle] <= at) low = middle
      else high = middle - 1
    }
    return Math.max(0, low)
  }

  function draw() {
    if (shown === undefined || map.clientHeight === 0) return
    const { account: { passages, numbers, strongest }, clauses, starts, text } = shown
    const { clientWidth: width, clientHeight: height } = map
    const ratio = Math.max(1, devicePixelRatio)
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height * ratio)
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
    context.scale(ratio, ratio)
    const style = getComputedStyle(map)
    const [pro, con, ink, accent] = ['--for', '--against', '--ink', '--accent'].map((name) => style.getPropertyValue(name).trim())
    const step = lineHeight()
    const thick = Math.max(0.6, step * 0.62)
    const scale = (width - 2 * PAD) / COLUMNS
    for (const [i, { start, end }] of passages.entries()) {
      const strength = Math.abs(numbers[i]) / (strongest || 1)
      for (let row = rowOf(start); row < starts.length && starts[row] < end; row++) {
        const from = Math.max(start, starts[row]) - starts[row]
        const to = Math.min(end, starts[row + 1] ?? text.length) - starts[row]
        const box = /** @type {const} */ ([PAD + from * scale, 4 + row * step, Math.max(0.5, (to - from) * scale), thick])
        context.globalAlpha = 0.13
        context.fillStyle = ink
        context.fillRect(...box)
        context.globalAlpha = Math.min(1, 0.06 + strength * 1.1)
        context.fillStyle = numbers[i] < 0 ? con : pro
        context.fillRect(...box)
      }
    }
    context.globalAlpha = 1
    context.fillStyle = accent
    for (const { passage } of clauses) {
      const { start, end } = passages[passage]
      const top = rowOf(start)
      context.fillRect(0, 3 + top * step, EDGE, Math.max(EDGE, (rowOf(end) - top + 1) * step))
    }
    follow()
    place()
  }

  /** Where the reading ends; the whole length of the text hides the line no less than undefined. @param {number | undefined} at */
  function setCut(at) {
    end = at
    place()
  }

  function place() {
    cut.hidden = shown === undefined || end === undefined
    if (end !== undefined) cut.style.top = `${(4 + (end >= (shown?.text.length ?? 0) ? shown?.rows ?? 0 : rowOf(end)) * lineHeight()).toFixed(1)}px`
  }

  /** @param {PointerEvent} event */
  function move(event) {
    if (shown === undefined) return
    const row = Math.round((event.clientY - map.getBoundingClientRect().top - 4) / lineHeight())
    onCut(row >= shown.rows ? shown.text.length : shown.starts[Math.max(0, row)] ?? 0)
  }

  cut.addEventListener('pointerdown', (event) => {
    event.preventDefault()
    event.stopPropagation()
    cut.setPointerCapture(event.pointerId)
  })
  cut.addEventListener('pointermove', (event) => {
    if (cut.hasPointerCapture(event.pointerId)) move(event)
  })

  /** The window goes with what is in sight. */
  function follow() {
    if (shown === undefined) return
    frame.hidden = false
    const { from, to } = reader.sight()
    const top = rowOf(from) * lineHeight()
    frame.style.top = `${top.toFixed(1)}px`
    frame.style.height = `${Math.max(12, (rowOf(to) + 1) * lineHeight() - top + 6).toFixed(1)}px`
  }

  /** @param {PointerEvent} event */
  function jump(event) {
    if (shown === undefined) return
    const row = Math.floor((event.clientY - map.getBoundingClientRect().top) / lineHeight())
    reader.scrollTo(shown.starts[Math.max(0, Math.min(shown.rows - 1, row))] ?? 0)
  }

  map.addEventListener('pointerdown', (event) => {
    event.preventDefault()
    map.setPointerCapture(event.pointerId)
    jump(event)
  })
  map.addEventListener('pointermove', (event) => {
    if (map.hasPointerCapture(event.pointerId)) jump(event)
  })
  let waiting = false
  scroller.addEventListener('scroll', () => {
    if (waiting) return
    waiting = true
    requestAnimationFrame(() => {
      waiting = false
      follow()
    })
  }, { passive: true })
  new ResizeObserver(draw).observe(map)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)

  return { show, hide, blank, setCut }
}
