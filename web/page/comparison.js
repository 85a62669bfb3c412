/** The result with and without the passages that were struck out, side by side. */
import { element } from '../common/dom.js'
import { percent, plural } from '../common/format.js'

/** @typedef {import('../wasm/index.js').Result} Result */

const SHOWN = 4 // labels

/**
 * @param {HTMLElement} box
 * @param {() => void} onRestore all passages are to be put back
 */
export function createComparison(box, onRestore) {
  return {
    /**
     * @param {Result} whole
     * @param {Result} without
     * @param {number} struck passages
     */
    show(whole, without, struck) {
      const scoreOf = (/** @type {Result} */ result, /** @type {string} */ label) => result.scores.find((each) => each.label === label)?.score ?? 0
      // The labels whose scores differ most, and the two that won.
      const labels = whole.scores.map(({ label }) => label)
      const change = (/** @type {string} */ label) => Math.abs(scoreOf(whole, label) - scoreOf(without, label))
      const won = whole.found === undefined ? [whole.label, without.label] : []
      const shown = [...new Set([...won, ...labels.sort((a, b) => change(b) - change(a))])].slice(0, SHOWN)
      const lines = shown.map((label) => element('tr', {}, element('th', { scope: 'row' }, label),
        element('td', {}, percent(scoreOf(whole, label))), element('td', { class: label === without.label ? 'here' : '' }, percent(scoreOf(without, label)))))
      const restore = element('button', { type: 'button', class: 'small' }, 'Put it all back')
      restore.addEventListener('click', onRestore)
      const words = whole.found !== undefined ? changeOf(whole.found, without.found ?? []) : whole.label === without.label ? `Still “${without.label}”.` : `“${whole.label}” becomes “${without.label}”.`
      box.replaceChildren(
        element('table', {}, element('caption', {}, `Read again without ${plural(struck, 'passage')}`),
          element('thead', {}, element('tr', {}, element('td', {}), element('th', { scope: 'col' }, 'Whole'), element('th', { scope: 'col' }, 'Without'))),
          element('tbody', {}, ...lines)),
        element('p', {}, words), restore)
      box.hidden = false
    },

    hide() {
      box.hidden = true
      box.replaceChildren()
    }
  }
}

/**
 * What is no longer found, and what is found now, where many labels may hold.
 *
 * @param {NonNullable<Result['found']>} whole
 * @param {NonNullable<Result['found']>} without
 */
function changeOf(whole, without) {
  const missing = (/** @type {typeof whole} */ these, /** @type {typeof whole} */ those) => {
    return these.filter(({ label }) => !those.some((each) => each.label === label)).map(({ label }) => `“${label}”`).join(', ')
  }
  const [gone, come] = [missing(whole, without), missing(without, whole)]
  const words = [gone === '' ? '' : `No longer found: ${gone}.`, come === '' ? '' : `Found now: ${come}.`].filter(Boolean)
  return words.length === 0 ? 'The same labels are found.' : words.join(' ')
}
