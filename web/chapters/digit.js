/** An image is a long sequence too: a digit that is drawn becomes 784 tokens, and is classified by the same engine. */
import { element, find, onceInView } from '../common/dom.js'
import { count, percent } from '../common/format.js'
import { load } from '../wasm/worker.js'
import { heatMap } from './heat-map.js'
import { pixelsOf, SIDE, tokensOf } from './pixels.js'

const SIZE = 280 // of the drawing, in its own pixels
const PEN = 24
const EVERY_MS = 120 // while the pen moves

/**
 * @param {HTMLElement} section the chapter, in the page
 * @param {{ file: string, card: string }} model of digits
 */
export function mountDigit(section, model) {
  find(section, '#digit-card', HTMLAnchorElement).href = model.card
  const root = find(section, '#digit-body', HTMLElement)
  const paper = element('canvas', { width: String(SIZE), height: String(SIZE), role: 'img', 'aria-label': 'Draw a digit here, with the mouse or a finger. The list below writes one for you.' })
  const picker = element('select', {}, element('option', { value: '' }, '…'), ...Array.from({ length: 10 }, (_, digit) => element('option', {}, String(digit))))
  const clear = element('button', { type: 'button' }, 'Clear')
  const seen = heatMap({ name: `What it reads: ${SIDE} × ${SIDE} pixels`, className: 'pixels', onChoose() {} })
  const why = heatMap({ name: 'Which pixels spoke for it, and which against', className: 'spoke', onChoose() {} })
  const line = heatMap({ name: `The same ${count(SIDE * SIDE)} pixels as a text: one token after another, row by row`, className: 'line', onChoose() {} })
  const label = element('p', { class: 'digit-label', role: 'status' })
  const scores = element('ol', { class: 'digit-scores', start: '0' })
  root.replaceChildren(
    element('div', { class: 'digit-draw' }, paper, element('div', { class: 'actions' }, clear, element('label', { class: 'picker' }, element('span', {}, 'Write'), picker))),
    element('div', { class: 'digit-maps' }, seen.root, why.root), line.root,
    element('div', { class: 'digit-result' }, label, scores))

  const context = paper.getContext('2d', { willReadFrequently: true })
  /** @type {Promise<import('../wasm/index.js').Classifier> | undefined} */
  let loading
  let reading = false
  let again = false

  const bars = Array.from({ length: 10 }, (_, digit) => {
    const fill = element('span')
    const share = element('span', { class: 'share' })
    scores.append(element('li', {}, element('span', {}, String(digit)), element('span', { class: 'digit-bar', 'aria-hidden': 'true' }, fill), share))
    return { fill, share }
  })

  /** Ink of the drawing, 0 to 255. */
  function ink() {
    const data = context?.getImageData(0, 0, SIZE, SIZE).data ?? new Uint8ClampedArray(4 * SIZE * SIZE)
    return Uint8Array.from({ length: SIZE * SIZE }, (_, i) => data[4 * i + 3])
  }

  /** Reads what is drawn; if it is being read, once more after that. */
  async function read() {
    again = reading
    if (reading) return
    reading = true
    try {
      do {
        again = false
        const pixels = pixelsOf(ink(), SIZE)
        show(pixels)
        if (pixels.every((level) => level === 0)) {
          none()
          continue
        }
        loading ??= load(new URL(model.file, document.baseURI), { threads: 1 })
        const classifier = await loading
        const result = await classifier.classify({ tokens: tokensOf(pixels) }, { explain: true })
        tell(result, classifier.labels)
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
      } while (again)
    } catch (error) {
      loading = undefined
      label.textContent = `It could not be read: ${error instanceof Error ? error.message : error}. Draw again to try once more.`
    } finally {
      reading = false
    }
  }

  /** @param {Uint8Array} pixels */
  function show(pixels) {
    seen.show(pixels, { rows: SIDE, columns: SIDE, top: 255, power: 1 })
    line.show(pixels, { rows: 1, columns: SIDE * SIDE, top: 255, power: 1 })
  }

  function none() {
    label.textContent = 'Draw a digit.'
    why.show(new Float32Array(SIDE * SIDE), { rows: SIDE, columns: SIDE, top: 1, signed: true })
    for (const { fill, share } of bars) {
      fill.style.width = '0'
      share.textContent = ''
    }
  }

  /**
   * @param {import('../wasm/index.js').Result} result
   * @param {readonly string[]} labels
   */
  function tell({ label: best, score, scores: all, tokens, doubt, explanation }, labels) {
    const unlike = doubt === 'unlike' ? '; but it is unlike the digits that the model learned from' : ''
    label.replaceChildren(element('strong', {}, best), ` with probability ${percent(score)}, from ${count(tokens)} tokens${unlike}`)
    for (const { label: name, score: share } of all) {
      const bar = bars[labels.indexOf(name)]
      if (bar === undefined) continue
      bar.fill.style.width = `${100 * share}%`
      bar.share.textContent = percent(share)
    }
    const at = labels.indexOf(best)
    // For the label, less what the pixel says for all labels alike.
    const spoke = Float32Array.from(explanation?.tokens ?? [], ({ contributions }) => contributions[at] - contributions.reduce((sum, value) => sum + value, 0) / contributions.length)
    const sorted = spoke.map(Math.abs).sort()
    why.show(spoke, { rows: SIDE, columns: SIDE, top: sorted[Math.floor(0.99 * (sorted.length - 1))] || 1, signed: true })
  }

  /** Where the pen was. @type {{ x: number, y: number } | undefined} */
  let pen
  /** @param {PointerEvent} event */
  function stroke(event) {
    if (context === null) return
    const { left, top, width, height } = paper.getBoundingClientRect()
    const to = { x: ((event.clientX - left) / width) * SIZE, y: ((event.clientY - top) / height) * SIZE }
    const from = pen ?? to
    Object.assign(context, { lineWidth: PEN, lineCap: 'round', lineJoin: 'round', strokeStyle: '#000' })
    context.beginPath()
    context.moveTo(from.x, from.y)
    context.lineTo(to.x + 0.01, to.y) // a dot is a line too
    context.stroke()
    pen = to
    picker.value = ''
    void read()
  }
  paper.addEventListener('pointerdown', (event) => {
    event.preventDefault()
    paper.setPointerCapture(event.pointerId)
    pen = undefined
    stroke(event)
  })
  paper.addEventListener('pointermove', (event) => {
    if (paper.hasPointerCapture(event.pointerId)) stroke(event)
  })

  function wipe() {
    context?.clearRect(0, 0, SIZE, SIZE)
    pen = undefined
  }
  clear.addEventListener('click', () => {
    wipe()
    picker.value = ''
    void read()
  })
  picker.addEventListener('change', () => {
    wipe()
    if (context !== null && picker.value !== '') {
      Object.assign(context, { font: '300 230px Inter, sans-serif', textAlign: 'center', textBaseline: 'middle', fillStyle: '#000', strokeStyle: '#000', lineWidth: 6 })
      context.fillText(picker.value, SIZE / 2, SIZE / 2 + 10)
      context.strokeText(picker.value, SIZE / 2, SIZE / 2 + 10)
    }
    void read()
  })
  show(new Uint8Array(SIDE * SIDE))
  none()
  // Alive on arrival: a digit is there when the chapter is.
  onceInView(root, { rootMargin: '200px' }, () => {
    picker.value = '3'
    picker.dispatchEvent(new Event('change'))
  })
}
