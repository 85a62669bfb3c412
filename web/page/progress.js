/** The progress bar and the words beside it. */
import { find } from '../common/dom.js'
import { bytes, count } from '../common/format.js'

/** @typedef {import('../wasm/index.js').ProgressEvent} ProgressEvent */

const bar = find(document, '#progress', HTMLProgressElement)
const status = find(document, '#status', HTMLElement)
const figures = find(document, '#figures', HTMLElement)

const PHASES = {
  download: 'Fetching the model',
  weights: 'Loading the model',
  tokenize: 'Splitting the text into tokens',
  encode: 'Reading',
  removal: 'Reading without each passage',
  examples: 'Reading the examples',
  fit: 'Learning'
}

/** @param {ProgressEvent} event */
export function showProgress({ phase, done, total }) {
  say(PHASES[phase])
  if (total === undefined) bar.removeAttribute('value')
  else bar.value = done / Math.max(1, total)
  if (phase === 'fit') {
    figures.textContent = ''
    return
  }
  const [amount, unit] = phase === 'examples' ? [count, ' examples'] : phase === 'encode' ? [count, ' tokens'] : phase === 'tokenize' ? [count, ' characters'] : [bytes, '']
  figures.textContent = total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}${unit}`
}

/**
 * @param {string} words
 * @param {number} share of the bar, 0 to 1
 */
export function showStatus(words, share) {
  say(words)
  bar.value = share
  figures.textContent = ''
}

/** The words are a live region: said again only when they change, while the figures run on in silence. @param {string} words */
function say(words) {
  if (status.textContent !== words) status.textContent = words
}
