/** Low rank: the singular values of the attention of the visitor's own document, cumulated, for a layer and a head. */
import { element, find } from '../common/dom.js'
import { count } from '../common/format.js'
import { FULL_ATTENTION } from '../engine/models.js'
import { Messenger } from '../workers/messenger.js'
import { draw } from './chart.js'

const MOST = 512 // tokens, as in the paper's figure 1

/** @param {Float64Array} values descending @returns {[number, number][]} share of their sum in the first so many */
function cumulated(values) {
  const total = values.reduce((sum, value) => sum + value, 0)
  let sum = 0
  return [[0, 0], ...Array.from(values, (value, i) => /** @type {[number, number]} */ ([i + 1, (sum += value) / total]))]
}

/**
 * @param {HTMLElement} section the chapter, in the page
 * @param {() => string} text of the document
 */
export function mountSpectrum(section, text) {
  const button = find(section, '#spectrum-draw', HTMLButtonElement)
  const layers = find(section, '#spectrum-layer', HTMLSelectElement)
  const heads = find(section, '#spectrum-head', HTMLSelectElement)
  const status = find(section, '#spectrum-status', HTMLElement)
  const figure = find(section, '#chart-spectrum', HTMLElement)

  /** @type {{ spectra: Float64Array[][], n: number } | undefined} */
  let shown
  const worker = new Messenger(new URL('../workers/spectrum.js', import.meta.url))
  let busy = false
  /** Rows that the classifier of the page has in place of n. */
  let k = 64

  async function compute() {
    if (busy) return
    if (text().trim() === '') {
      status.textContent = 'There is no text yet: take a sample or paste one, then draw again.'
      return
    }
    busy = true
    button.setAttribute('aria-disabled', 'true')
    try {
      shown = await worker.call('spectra', { file: new URL(FULL_ATTENTION.file, document.baseURI).href, text: text(), most: MOST }, {
        onProgress: (words) => { status.textContent = words }
      })
      choices()
      show()
    } catch (error) {
      status.textContent = `It could not be drawn: ${error instanceof Error ? error.message : error}. Check the connection and try again.`
    } finally {
      worker.close()
      busy = false
      button.setAttribute('aria-disabled', 'false')
    }
  }

  function choices() {
    if (shown === undefined || layers.options.length > 0) return
    const fill = (/** @type {HTMLSelectElement} */ picker, /** @type {number} */ number) => {
      picker.replaceChildren(...Array.from({ length: number }, (_, i) => element('option', { value: String(i) }, String(i + 1))))
      picker.disabled = false
    }
    fill(layers, shown.spectra.length)
    fill(heads, shown.spectra[0].length)
  }

  function show() {
    const n = shown?.n ?? MOST
    const values = shown?.spectra[Math.max(0, layers.selectedIndex)]?.[Math.max(0, heads.selectedIndex)]
    const points = values === undefined ? [] : cumulated(values)
    const share = points[Math.min(k, points.length - 1)]?.[1]
    const words = share === undefined ? '' : `The first ${count(Math.min(k, n))} of ${count(n)} hold ${(100 * share).toFixed(1)} %`
    if (shown !== undefined) status.textContent = n <= k ? `${words}. This document has only ${count(n)} tokens: take a longer one to see a difference.` : `${words}.`
    draw(figure, {
      title: 'Singular values of one attention matrix, added up',
      subtitle: shown === undefined ? `of the first ${count(MOST)} tokens of your document` : `layer ${layers.selectedIndex + 1}, head ${heads.selectedIndex + 1}; ${count(n)} × ${count(n)} tokens`,
      summary: words === '' ? 'Nothing has been drawn yet.' : `${words} of their sum.`,
      empty: 'not drawn yet',
      x: { scale: 'linear', domain: [0, n], ticks: [0, 1 / 4, 1 / 2, 3 / 4, 1].map((part) => Math.round(part * n)), format: count, title: 'largest singular values' },
      y: { scale: 'linear', domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], format: (value) => `${Math.round(100 * value)} %`, title: '' },
      series: [
        // What a matrix without any structure would show: each value as large as the next.
        ...(points.length === 0 ? [] : [{ name: 'all alike', className: 'series-matrices', dashed: true, below: true, points: /** @type {[number, number][]} */ ([[0, 0], [n, 1]]) }]),
        { name: '', className: 'series-spectrum', points, area: true }
      ],
      ...(points.length === 0 ? {} : { marker: { x: Math.min(k, n), text: `k = ${k}: ${(100 * (share ?? 0)).toFixed(1)} %` } })
    })
  }

  button.addEventListener('click', () => void compute())
  for (const picker of [layers, heads]) picker.addEventListener('change', show)
  show()
  return {
    /** @param {number} rows */
    markRank(rows) {
      k = rows
      show()
    }
  }
}
