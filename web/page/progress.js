/** A progress bar and the words beside it. */
import { find } from '../common/dom.js'
import { bytes, count } from '../common/format.js'

/**
 * @typedef {import('../wasm/index.js').ProgressEvent} ProgressEvent
 * @typedef {ReturnType<typeof createProgress>} Progress
 */

const PHASES = {
  download: 'Fetching the model',
  weights: 'Loading the model',
  tokenize: 'Splitting the text into tokens',
  encode: 'Reading',
  removal: 'Reading without each passage',
  examples: 'Reading the examples',
  fit: 'Learning'
}

/** Drawing slows down what is waited for, so running figures are drawn no more often than this. */
const SHOWN_EVERY_MS = 100

/** What is counted. @type {Partial<Record<ProgressEvent['phase'], string>>} */
const UNITS = { examples: ' examples', encode: ' tokens', tokenize: ' characters', removal: ' passages' }

/** @param {HTMLElement} root with a bar, `.status` in words and `.figures` */
export function createProgress(root) {
  const bar = find(root, 'progress', HTMLProgressElement)
  const status = find(root, '.status', HTMLElement)
  const figures = find(root, '.figures', HTMLElement)

  /** The words are a live region: said again only when they change, while the figures run on in silence. @param {string} words */
  const say = (words) => {
    if (status.textContent !== words) status.textContent = words
  }
  let shownAt = 0
  /** @type {ProgressEvent['phase'] | undefined} */
  let shown

  return {
    /** @param {ProgressEvent} event */
    show({ phase, done, total }) {
      const now = performance.now()
      if (phase === shown && done !== total && now - shownAt < SHOWN_EVERY_MS) return
      shown = phase
      shownAt = now
      say(PHASES[phase])
      if (total === undefined) bar.removeAttribute('value')
      else bar.value = done / Math.max(1, total)
      const unit = UNITS[phase]
      const amount = unit === undefined ? bytes : count
      if (phase === 'fit') figures.textContent = ''
      else figures.textContent = total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}${unit ?? ''}`
    },

    /**
     * @param {string} words
     * @param {number} share of the bar, 0 to 1
     */
    say(words, share) {
      say(words)
      shown = undefined
      bar.value = share
      figures.textContent = ''
    }
  }
}
