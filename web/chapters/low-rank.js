/**
 * Low rank as a picture: the attention matrix of the beginning of the visitor's document, and the same matrix from its k strongest
 * patterns. Beside it two matrices that are harder to rebuild: of random weights, and with the numbers of each row shuffled.
 */
import { element, onceInView } from '../common/dom.js'
import { count } from '../common/format.js'
import { FULL_ATTENTION } from '../engine/models.js'
import { Messenger } from '../workers/messenger.js'
import { draw } from './chart.js'
import { heatMap } from './heat-map.js'
import { mountWords, wordOf } from './words.js'

/** @typedef {import('../workers/low-rank.js').Kind} Kind */

const LENGTHS = [128, 256, 512]
/** @type {[Kind, string, string][]} */
const KINDS = [
  ['trained', 'trained', 'trained'],
  ['untrained', 'untrained: random weights', 'untrained'],
  ['shuffled', 'trained, each row shuffled', 'shuffled']
]

/** A share as a percentage, with two digits that count. @param {number} share */
const percentage = (share) => `${Math.abs(share) < 1e-6 ? '0' : Math.abs(share) < 0.1 ? (100 * share).toPrecision(2) : (100 * share).toFixed(1)} %`.replace('-', '\u2212')

/** @param {Float64Array} values descending @returns {[number, number][]} share of their sum in the first so many */
function cumulated(values) {
  const total = values.reduce((sum, value) => sum + value, 0)
  let sum = 0
  return [[0, 0], ...Array.from(values, (value, i) => /** @type {[number, number]} */ ([i + 1, (sum += value) / total]))]
}

/** In words what the picture shows at a glance: its darkest columns. @param {Float32Array} matrix @param {string[]} pieces */
function mostLookedAt(matrix, pieces) {
  const n = pieces.length
  const means = Float64Array.from(pieces, (_, column) => pieces.reduce((sum, _, row) => sum + matrix[row * n + column], 0) / n)
  const order = Array.from(means.keys()).sort((a, b) => means[b] - means[a]).slice(0, 3)
  return `Looked at most, by all tokens together: ${order.map((column) => `“${wordOf(pieces[column])}” (${percentage(means[column])})`).join(', ')}.`
}

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} figure for the curve of singular values
 * @param {{ text: () => Promise<{ text: string, whose: string }> }} options the document's text
 */
export function mountLowRank(root, figure, { text }) {
  const worker = new Messenger(new URL('../workers/low-rank.js', import.meta.url))
  const kinds = select('Matrix', KINDS.map(([value, title]) => [value, title]))
  const layers = select('Layer', [['0', '1'], ['1', '2']])
  const heads = select('Head', ['0', '1', '2', '3'].map((value) => [value, String(Number(value) + 1)]))
  const sizes = select('Tokens', LENGTHS.map((n) => [String(n), String(n)]))
  const slider = element('input', { type: 'range', min: '1', max: '128', value: '16', id: 'rank', 'aria-describedby': 'rank-lost' })
  const rank = element('output', { for: 'rank' })
  const lost = element('p', { class: 'lost', id: 'rank-lost' })
  const status = element('p', { class: 'soft note', role: 'status' })
  const cell = element('p', { class: 'cell', 'aria-live': 'polite' })
  const strip = element('div', { class: 'words', role: 'group', tabindex: '0', 'aria-label': 'The tokens, tinted by how much the chosen one looks at them' })
  const maps = {
    original: heatMap({ name: 'Original', className: 'original', label: 'Attention matrix. Rows look at columns. The arrow keys choose a cell, with Shift ten at a time.', onChoose: choose }),
    rebuilt: heatMap({ name: 'Rebuilt', className: 'rebuilt', onChoose: choose }),
    difference: heatMap({ name: 'Difference', className: 'difference', onChoose: choose })
  }
  const words = mountWords(strip, (token) => choose(token, strongest(token)))
  root.replaceChildren(
    element('div', { class: 'rank-head' }, ...[kinds, layers, heads, sizes].map(({ label }) => label)),
    element('div', { class: 'rank-slider' }, element('label', { for: 'rank' }, 'Patterns kept, k'), slider, rank),
    lost,
    element('div', { class: 'maps' }, maps.original.root, maps.rebuilt.root, maps.difference.root),
    cell, strip, status)

  /** @type {{ text: string, n: number, pieces: string[] } | undefined} */
  let read
  /** The text that was asked for last. @type {string | undefined} */
  let asked
  /** @type {{ matrix: Float32Array, values: Float64Array, rebuilt: Float32Array, n: number, top: number } | undefined} */
  let shown
  /** By kind, of the layer and head that are shown. @type {Map<Kind, Float64Array>} */
  let curves = new Map()
  let [row, column] = [0, 0]
  /** One at a time; of several that wait the last one counts. */
  let generation = 0
  let rebuilding = false
  let seen = false

  const which = (/** @type {Kind} */ kind = /** @type {Kind} */ (kinds.picker.value)) => ({ kind, layer: layers.picker.selectedIndex, head: heads.picker.selectedIndex })

  /** @param {number} token @returns {number} what it looks at most */
  function strongest(token) {
    if (shown === undefined) return 0
    const { matrix, n } = shown
    let best = 0
    for (let c = 0; c < n; c++) if (matrix[token * n + c] > matrix[token * n + best]) best = c
    return best
  }

  /** Reads the document, if it is another one or of another length, and shows its matrix. */
  async function update() {
    const mine = ++generation
    const current = () => mine === generation
    root.setAttribute('aria-busy', 'true')
    try {
      const { text: words, whose } = await text()
      if (!current()) return
      asked = words
      const most = Number(sizes.picker.value)
      if (read?.text !== words || read.n !== most) {
        read = undefined
        const { pieces } = await worker.call('read', { file: new URL(FULL_ATTENTION.file, document.baseURI).href, text: words, most }, {
          onProgress: (say) => { if (current()) status.textContent = say }
        })
        if (!current()) return
        read = { text: words, n: most, pieces }
      }
      status.textContent = 'Taking the matrix apart…'
      const { matrix, values, top } = await worker.call('matrix', which())
      const n = values.length
      if (!current()) return
      const kept = slider.max === String(n) ? Number(slider.value) : Math.max(1, Math.round(n / 8))
      slider.max = String(n)
      slider.value = String(Math.min(kept, n))
      const { rebuilt, off } = await worker.call('rebuild', { k: Number(slider.value) })
      if (!current()) return
      shown = { matrix, values, rebuilt, n, top }
      status.textContent = `The first ${count(n)} tokens of ${whose}, ${count(n)} × ${count(n)} looks: layer ${layers.picker.selectedIndex + 1}, head \
${heads.picker.selectedIndex + 1} of the model with full attention. ${mostLookedAt(matrix, read.pieces)}`
      showWords(read.pieces)
      maps.original.show(matrix, { rows: n, columns: n, top: shown.top })
      showRebuilt(off)
      if (row >= n || column >= n || (row === 0 && column === 0)) {
        row = Math.min(n - 1, 12)
        column = strongest(row)
      }
      choose(row, column)
      curves = new Map([[which().kind, values]])
      showCurve()
      for (const [kind] of KINDS) {
        if (curves.has(kind)) continue
        const more = await worker.call('values', which(kind))
        if (!current()) return
        curves.set(kind, more)
        showCurve()
      }
    } catch (error) {
      if (!current()) return
      asked = undefined
      status.textContent = `It could not be drawn: ${error instanceof Error ? error.message : error}. Check the connection and reload the page.`
    } finally {
      if (current()) root.removeAttribute('aria-busy')
    }
  }

  /** @type {string[] | undefined} */
  let inStrip
  function showWords(/** @type {string[]} */ pieces) {
    if (inStrip !== pieces) words.show(pieces)
    inStrip = pieces
  }

  /** The slider moved: the worker adds terms or takes them away. Moves that come meanwhile wait, the last one counts. */
  async function rebuild() {
    showRank()
    if (rebuilding || shown === undefined) return
    rebuilding = true
    const mine = generation
    try {
      for (let k = 0; k !== Number(slider.value);) {
        k = Number(slider.value)
        const answer = await worker.call('rebuild', { k })
        if (mine !== generation || shown === undefined) return
        shown.rebuilt = answer.rebuilt
        showRebuilt(answer.off)
        choose(row, column)
      }
      showCurve()
    } catch {
      // The document has changed meanwhile, and is drawn anew.
    } finally {
      rebuilding = false
    }
  }

  function showRank() {
    rank.textContent = `${slider.value} of ${slider.max}`
  }

  /** @param {number} off */
  function showRebuilt(off) {
    if (shown === undefined) return
    const { matrix, rebuilt, values, n, top } = shown
    const k = Number(slider.value)
    const share = cumulated(values)[k][1]
    const size = { rows: n, columns: n, top }
    maps.rebuilt.show(rebuilt, size)
    maps.difference.show(rebuilt.map((value, i) => value - matrix[i]), { ...size, signed: true })
    showRank()
    slider.setAttribute('aria-valuetext', `${k} of ${n} patterns`)
    lost.replaceChildren(element('strong', {}, percentage(off)), ' of what a token looks at is lost or misplaced, on average. ',
      `${count(k)} ${k === 1 ? 'pattern holds' : 'patterns hold'} ${(100 * share).toFixed(1)} % of the sum of the singular values, in ${count(2 * k * n)} numbers; the matrix has ${count(n * n)}.`)
  }

  /** @param {number} toRow @param {number} toColumn */
  function choose(toRow, toColumn) {
    if (shown === undefined || read === undefined) return
    ;[row, column] = [toRow, toColumn]
    const { matrix, rebuilt, n } = shown
    for (const map of Object.values(maps)) map.mark(row, column)
    const at = row * n + column
    const named = (/** @type {number} */ token) => element('q', {}, wordOf(read?.pieces[token] ?? ''))
    cell.replaceChildren(named(row), ` (token ${count(row + 1)}) looks at `, named(column), ` (token ${count(column + 1)}): `,
      element('strong', {}, percentage(matrix[at])), `, rebuilt ${percentage(rebuilt[at])}`)
    const most = rebuilt.subarray(row * n, (row + 1) * n).reduce((top, value) => Math.max(top, value), 0)
    words.tint((token) => rebuilt[row * n + token] / most, row)
  }

  function showCurve() {
    const n = shown?.n ?? LENGTHS[0]
    const k = Number(slider.value)
    const now = which().kind
    const points = (/** @type {Kind} */ kind) => {
      const values = curves.get(kind)
      return values === undefined ? [] : cumulated(values)
    }
    const share = points(now)[k]?.[1]
    draw(figure, {
      title: 'Singular values, added up', subtitle: 'as in the paper’s figure 1: the earlier a curve rises, the fewer patterns rebuild its matrix',
      summary: share === undefined ? 'Not drawn yet.' : `${KINDS.map(([kind, , name]) => `${name}: ${percentage(points(kind)[k]?.[1] ?? NaN)}`).join(', ')}, of the sum in the first ${k} of ${n}.`,
      empty: 'drawn with the matrix',
      x: { scale: 'linear', domain: [0, n], ticks: [0, 1 / 4, 1 / 2, 3 / 4, 1].map((part) => Math.round(part * n)), format: count, title: 'patterns kept, k' },
      y: { scale: 'linear', domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], format: (value) => `${Math.round(100 * value)} %`, title: '' },
      series: KINDS.map(([kind, , name]) => ({ name, className: `series-${kind}${kind === now ? ' series-now' : ''}`, points: points(kind), nameAt: 0.28, area: kind === now })),
      ...(share === undefined ? {} : { marker: { x: k, text: `k = ${k}: ${(100 * share).toFixed(1)} %` } })
    })
  }

  for (const { picker } of [kinds, layers, heads, sizes]) picker.addEventListener('change', () => void update())
  slider.addEventListener('input', () => void rebuild())
  showRank()
  showCurve()
  status.textContent = 'Drawn when it comes into view.'
  // It takes a second of a worker, and a megabyte: not before anybody looks.
  onceInView(root, { rootMargin: '300px' }, () => {
    seen = true
    void update()
  })
  return {
    /** The document has been read; perhaps it is another one. */
    async documentRead() {
      if (seen && (await text()).text !== asked) void update()
    }
  }
}

/**
 * @param {string} name
 * @param {[string, string][]} options values and titles
 */
function select(name, options) {
  const picker = element('select', {}, ...options.map(([value, title]) => element('option', { value }, title)))
  return { picker, label: element('label', { class: 'picker' }, element('span', {}, name), picker) }
}
