/**
 * A matrix as a picture: a canvas with a pixel for each cell, two lines that cross at the chosen one, and the pointer, a finger or the
 * arrow keys to choose it. What the picture says is also said in words, by whoever shows it.
 */
import { element } from '../common/dom.js'

/**
 * The colours that the style sheet gives a frame, as the browser computes them for this screen: of nothing, of the most, and where a
 * matrix has both signs of more and of less. They come as colours of the frame itself, so that system colours work too.
 *
 * @param {HTMLElement} frame
 */
function coloursOf(frame) {
  const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  const { backgroundColor, color, outlineColor, caretColor } = getComputedStyle(frame)
  const [none, most, more, less] = [backgroundColor, color, outlineColor, caretColor].map((name) => {
    if (pixel === null) return [0, 0, 0]
    pixel.fillStyle = name
    pixel.fillRect(0, 0, 1, 1)
    return [...pixel.getImageData(0, 0, 1, 1).data.subarray(0, 3)]
  })
  return { none, most, more, less }
}

/** 256 colours from one to another, as the pixels of an image in memory. @param {number[]} from @param {number[]} to */
function ramp(from, to) {
  const bytes = new Uint8ClampedArray(4 * 256)
  for (let i = 0; i < 256; i++) {
    for (let c = 0; c < 3; c++) bytes[4 * i + c] = from[c] + ((to[c] - from[c]) * i) / 255
    bytes[4 * i + 3] = 255
  }
  return new Uint32Array(bytes.buffer)
}

/**
 * @param {object} options
 * @param {string} options.name under the picture
 * @param {string} options.className
 * @param {string} [options.label] for the keyboard: makes the picture one that can be focused
 * @param {(row: number, column: number) => void} options.onChoose
 */
export function heatMap({ name, className, label, onChoose }) {
  const canvas = element('canvas', label === undefined ? { 'aria-hidden': 'true' } : { tabindex: '0', role: 'application', 'aria-roledescription': 'heat map', 'aria-label': label })
  const [across, down] = [element('span', { class: 'heat-across' }), element('span', { class: 'heat-down' })]
  const frame = element('div', { class: 'heat-frame' }, canvas, across, down)
  const root = element('figure', { class: `heat ${className}` }, frame, element('figcaption', {}, name))

  /** @type {{ values: ArrayLike<number>, rows: number, columns: number, top: number, signed: boolean, power: number } | undefined} */
  let shown
  let [row, column] = [0, 0]

  function paint() {
    if (shown === undefined) return
    const { values, rows, columns, top, signed, power } = shown
    if (canvas.width !== columns) canvas.width = columns
    if (canvas.height !== rows) canvas.height = rows
    const context = canvas.getContext('2d')
    if (context === null) return
    const { none, most, more, less } = coloursOf(frame)
    const [up, down] = signed ? [ramp(none, more), ramp(none, less)] : [ramp(none, most), ramp(none, none)]
    const image = context.createImageData(columns, rows)
    const pixels = new Uint32Array(image.data.buffer)
    for (let i = 0; i < rows * columns; i++) {
      const value = values[i]
      const strength = Math.min(1, Math.abs(value) / top)
      pixels[i] = (value < 0 ? down : up)[Math.round(255 * (power === 0.5 ? Math.sqrt(strength) : strength ** power))]
    }
    context.putImageData(image, 0, 0)
  }

  function mark() {
    if (shown === undefined) return
    across.style.top = `${(100 * (row + 0.5)) / shown.rows}%`
    down.style.left = `${(100 * (column + 0.5)) / shown.columns}%`
  }

  /** @param {number} toRow @param {number} toColumn */
  function choose(toRow, toColumn) {
    if (shown === undefined) return
    onChoose(Math.min(shown.rows - 1, Math.max(0, toRow)), Math.min(shown.columns - 1, Math.max(0, toColumn)))
  }

  /** @param {PointerEvent} event */
  function point(event) {
    if (shown === undefined || (event.pointerType !== 'mouse' && event.buttons === 0)) return
    const { left, top, width, height } = canvas.getBoundingClientRect()
    choose(Math.floor(((event.clientY - top) / height) * shown.rows), Math.floor(((event.clientX - left) / width) * shown.columns))
  }

  frame.addEventListener('pointermove', point)
  frame.addEventListener('pointerdown', point)
  canvas.addEventListener('keydown', (event) => {
    const far = event.shiftKey ? 10 : 1
    const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [-far, 0], ArrowDown: [far, 0], ArrowLeft: [0, -far], ArrowRight: [0, far], Home: [-row, -column], End: [1e9, 1e9] })
    const move = moves[event.key]
    if (move === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    choose(row + move[0], column + move[1])
  })
  for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) matchMedia(query).addEventListener('change', paint)

  return {
    root,
    /**
     * @param {ArrayLike<number>} values [rows, columns]
     * @param {{ rows: number, columns: number, top: number, signed?: boolean, power?: number }} options `top` is the value of the full
     *   colour. Most looks of a token are faint, and with a power of 1 would all be the same colour; hence the square root
     */
    show(values, { rows, columns, top, signed = false, power = 0.5 }) {
      shown = { values, rows, columns, top, signed, power }
      paint()
      mark()
    },
    /** @param {number} toRow @param {number} toColumn */
    mark(toRow, toColumn) {
      ;[row, column] = [toRow, toColumn]
      mark()
    }
  }
}
