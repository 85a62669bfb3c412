/** Sharing: which projection matrices each way of sharing needs, drawn and counted for the model at hand. */
import { element, find } from '../common/dom.js'
import { bytes, count, plural } from '../common/format.js'
import { svg } from './chart.js'

/** @typedef {import('../wasm/index.js').Config} Config */

/** @type {[Config['sharing'], string, string][]} */
const WAYS = [
  ['none', 'None', 'An E and an F for every head of every layer.'],
  ['headwise', 'Headwise', 'An E and an F for every layer; its heads share them.'],
  ['key-value', 'Key-value', 'One for every layer, for keys and values alike.'],
  ['layerwise', 'Layerwise', 'One E for keys and values of all heads and layers.']
]

/** Projection matrices of a model. @param {Config['sharing']} way @param {{ n_layers: number, n_heads: number }} shape */
export function matrixCount(way, { n_layers: layers, n_heads: heads }) {
  return { none: 2 * heads * layers, headwise: 2 * layers, 'key-value': layers, layerwise: 1 }[way]
}

/** @param {HTMLElement} section the chapter, in the page @param {Config} config of the model at hand */
export function showSharing(section, config) {
  const { n_layers: layers, n_heads: heads, n_max: nMax } = config
  const k = Math.max(...config.k)
  const list = element('ul', { class: 'sharings' }, ...WAYS.map(([way, title, words]) => {
    const matrices = matrixCount(way, config)
    const used = config.attention === 'linformer' && config.projection === 'linear' && config.sharing === way
    const head = element('h3', {}, title)
    if (used) head.append(' ', element('span', { class: 'tag' }, 'this model'))
    const picture = element('div', {})
    picture.append(diagram(way, layers, heads))
    return element('li', used ? { class: 'this' } : {}, head, element('p', {}, words), picture,
      element('dl', {}, element('dt', {}, 'Matrices'), element('dd', {}, count(matrices)),
        element('dt', {}, 'Weights'), element('dd', {}, count(matrices * k * nMax)),
        element('dt', {}, 'as 32-bit floats'), element('dd', {}, bytes(4 * matrices * k * nMax))))
  }))
  const without = ['mean', 'max'].includes(config.projection)
  const own = without ? `This model has none of them: it takes the ${config.projection} of each ${count(nMax / k)} rows instead. ` : ''
  const note = element('p', { class: 'soft note' }, `${own}For a model of this one’s shape: ${plural(layers, 'layer')} of ${count(heads)} heads, each \
matrix ${count(k)} × ${count(nMax)}. With 12 layers of 12 heads, as in the paper, it would be ${WAYS.map(([way]) => {
    return count(matrixCount(way, { n_layers: 12, n_heads: 12 }))
  }).join(', ')} matrices.`)
  find(section, '#sharing-body', HTMLElement).replaceChildren(list, note)
}

/**
 * Layers as rows, heads as columns; in each cell the keys' half and the values' half. What is one matrix is one shape.
 *
 * @param {Config['sharing']} way
 * @param {number} layers
 * @param {number} heads
 */
function diagram(way, layers, heads) {
  const [shownLayers, shownHeads] = [Math.min(layers, 4), Math.min(heads, 4)]
  const [cell, gap, left, top] = [30, 4, 26, 14]
  const [width, height] = [left + shownHeads * (cell + gap), top + shownLayers * (cell + gap)]
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' })
  for (let h = 0; h < shownHeads; h++) picture.append(svg('text', { x: left + h * (cell + gap) + cell / 2, y: 9 }, `h${h + 1}`))
  for (let l = 0; l < shownLayers; l++) picture.append(svg('text', { x: 10, y: top + l * (cell + gap) + cell / 2 + 3 }, `L${l + 1}`))
  const box = (/** @type {string} */ name, /** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ w, /** @type {number} */ h) => {
    picture.append(svg('rect', { class: `matrix ${name}`, x, y, width: w, height: h, rx: 4 }))
  }
  const all = shownHeads * (cell + gap) - gap
  const half = cell / 2 - 1
  if (way === 'layerwise') box('e', left, top, all, shownLayers * (cell + gap) - gap)
  else {
    for (let l = 0; l < shownLayers; l++) {
      const y = top + l * (cell + gap)
      if (way === 'key-value') box('e', left, y, all, cell)
      if (way === 'headwise') {
        box('e', left, y, all, half)
        box('f', left, y + half + 2, all, half)
      }
      for (let h = 0; way === 'none' && h < shownHeads; h++) {
        const x = left + h * (cell + gap)
        box('e', x, y, cell, half)
        box('f', x, y + half + 2, cell, half)
      }
    }
  }
  return picture
}
