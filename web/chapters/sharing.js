/** Sharing: the projection matrices of a model in one line, which merge with each way of sharing, counted for the model at hand. */
import { element, find } from '../common/dom.js'
import { bytes, count, plural } from '../common/format.js'
import { svg } from './chart.js'

/** @typedef {import('../wasm/index.js').Config} Config */

/** `average` is that of the paper's table 2 for n = 512 and k = 256. @type {{ way: Config['sharing'], title: string, words: string, next: string, average?: string }[]} */
const WAYS = [
  { way: 'none', title: 'None', words: 'An E for the keys and an F for the values of every head of every layer.', next: 'Let heads share' },
  { way: 'headwise', title: 'Headwise', words: 'An E and an F for every layer: its heads share them.', next: 'Let keys and values share', average: '92.08' },
  { way: 'key-value', title: 'Key-value', words: 'An E for every layer, for keys and values alike.', next: 'Let all layers share', average: '92.03' },
  { way: 'layerwise', title: 'Layerwise', words: 'A single E for the keys and values of all heads and all layers.', next: 'Take them apart', average: '92.30' }
]

/** Drawn of a larger model. */
const MOST_LAYERS = 4
const MOST_HEADS = 4

/** Projection matrices of a model. @param {Config['sharing']} way @param {{ n_layers: number, n_heads: number }} shape */
export function matrixCount(way, { n_layers: layers, n_heads: heads }) {
  return { none: 2 * heads * layers, headwise: 2 * layers, 'key-value': layers, layerwise: 1 }[way]
}

/** @param {HTMLElement} section the chapter, in the page @param {Config} config of the model at hand */
export function showSharing(section, config) {
  const body = find(section, '#sharing-body', HTMLElement)
  // The same model again: what the visitor chose stays.
  if (body.dataset.of === JSON.stringify(config)) return
  body.dataset.of = JSON.stringify(config)
  const { n_layers: layers, n_heads: heads, n_max: nMax } = config
  const k = Math.max(...config.k)
  const own = config.attention === 'linformer' && config.projection === 'linear' ? config.sharing : undefined
  const { picture, merge } = diagram(Math.min(layers, MOST_LAYERS), Math.min(heads, MOST_HEADS))
  const step = element('button', { type: 'button', class: 'primary' })
  const box = element('div', { class: 'sharing-picture' }) // pressing it is a shorter way to the button
  box.append(picture)
  const words = element('p', { class: 'sharing-words' })
  const figures = element('dl', { class: 'sharing-figures' })
  const said = element('div', { 'aria-live': 'polite' }, words, figures)
  const radios = WAYS.map(({ way }) => element('input', { type: 'radio', name: 'sharing', value: way }))
  const choices = element('fieldset', { class: 'choices' }, element('legend', {}, 'What shares a matrix'), ...WAYS.map(({ way, title }, i) => {
    const name = element('span', {}, title)
    if (way === own) name.append(element('small', {}, 'this model'))
    return element('label', {}, radios[i], name)
  }))
  let at = 0

  /** @param {number} next */
  function show(next) {
    at = next
    const { way, title, words: about, next: onward, average } = WAYS[at]
    radios[at].checked = true
    merge(way)
    const matrices = matrixCount(way, config)
    picture.setAttribute('aria-label', `${title}: ${plural(matrices, 'matrix', 'matrices')} for the keys (K) and values (V) of each head and layer.`)
    step.textContent = onward
    words.textContent = about
    const figure = (/** @type {string} */ name, /** @type {string} */ value) => [element('dt', {}, name), element('dd', /\d/.test(value) ? {} : { class: 'none' }, value)]
    figures.replaceChildren(
      ...[['Matrices', count(matrices)], ['Weights', count(matrices * k * nMax)], ['As 32-bit floats', bytes(4 * matrices * k * nMax)],
        ['Accuracy in the paper', average === undefined ? 'not reported' : `${average} %`]].map(([name, value]) => element('div', {}, ...figure(name, value))))
  }

  radios.forEach((radio, i) => radio.addEventListener('change', () => show(i)))
  for (const each of [step, box]) each.addEventListener('click', () => show((at + 1) % WAYS.length))
  const without = ['mean', 'max'].includes(config.projection)
  const drawn = layers > MOST_LAYERS || heads > MOST_HEADS ? ` Drawn are ${count(Math.min(layers, MOST_LAYERS))} layers of ${count(Math.min(heads, MOST_HEADS))} heads.` : ''
  const note = element('p', { class: 'soft note' }, `${without ? `The model at hand has none of them: it takes the ${config.projection} of each ${count(nMax / k)} rows instead. ` : ''}\
Counted for a model of this one’s shape: ${plural(layers, 'layer')} of ${count(heads)} heads, each matrix ${count(k)} × ${count(nMax)}.${drawn} With 12 layers of 12 heads, as in \
the paper, it would be ${WAYS.map(({ way }) => count(matrixCount(way, { n_layers: 12, n_heads: 12 }))).join(', ')} matrices. Accuracy is the average of four tasks in the paper’s table 2, \
for n = 512 and k = 256.`)
  body.replaceChildren(element('div', { class: 'sharing card' }, choices, box, step, said, note))
  show(0)
}

/**
 * A column for each head of each layer, the matrix of its keys above that of its values. To merge, all that is one matrix takes the
 * same place: the whole that they cover.
 *
 * @param {number} layers
 * @param {number} heads
 */
function diagram(layers, heads) {
  const [cell, gap, between, top] = [40, 5, 22, 26]
  const [layerWidth, half] = [heads * (cell + gap) - gap, cell * 1.1]
  const width = layers * (layerWidth + between) - between
  const height = top + 2 * half + gap
  const x = (/** @type {number} */ layer, /** @type {number} */ head) => layer * (layerWidth + between) + head * (cell + gap)
  const picture = svg('svg', { viewBox: `-26 0 ${width + 26} ${height}`, role: 'img' })
  picture.append(svg('text', { x: -13, y: top + half / 2 + 5 }, 'K'), svg('text', { x: -13, y: top + gap + 1.5 * half + 5 }, 'V'))
  /** @type {{ layer: number, head: number, value: number, box: SVGElement }[]} */
  const boxes = []
  for (let layer = 0; layer < layers; layer++) {
    picture.append(svg('text', { x: x(layer, 0) + layerWidth / 2, y: 14 }, `layer ${layer + 1}`))
    for (let head = 0; head < heads; head++) {
      for (const value of [0, 1]) {
        const box = svg('rect', { rx: 6 })
        boxes.push({ layer, head, value, box })
      }
    }
  }
  picture.append(...boxes.map(({ box }) => box))
  return {
    picture,
    /** @param {Config['sharing']} way */
    merge(way) {
      for (const { layer, head, value, box } of boxes) {
        const one = way === 'key-value' || way === 'layerwise'
        const place = {
          x: way === 'layerwise' ? 0 : x(layer, way === 'none' ? head : 0),
          y: top + (one ? 0 : value * (half + gap)),
          width: way === 'layerwise' ? width : way === 'none' ? cell : layerWidth,
          height: one ? 2 * half + gap : half
        }
        // As properties of style they move; the attributes are for browsers in which these are no style.
        for (const [name, size] of Object.entries(place)) {
          box.setAttribute(name, String(size))
          box.style.setProperty(name, `${size}px`)
        }
        box.setAttribute('class', `matrix ${one || value === 0 ? 'e' : 'f'}`)
      }
    }
  }
}
