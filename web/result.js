/** The result: the labels with their probabilities, and what was read to come to them. */
import { byId, element, rows } from './dom.js'
import { count, duration, percent } from './format.js'

/** @typedef {import('../wasm/index.js').Result} Result */

const section = byId('result', HTMLElement)
const title = byId('result-title', HTMLElement)

/**
 * @param {Result} result
 * @param {number} milliseconds that the classification took
 */
export function showResult(result, milliseconds) {
  const scores = element('ul', { class: 'scores' })
  for (const { label, score } of result.scores) {
    const fill = element('span')
    fill.style.width = `${score * 100}%`
    const bar = element('div', { class: 'bar', 'aria-hidden': 'true' }, fill)
    scores.append(element('li', {}, element('span', {}, label), element('span', {}, percent(score)), bar))
  }
  const facts = rows([
    ['Tokens read', `${count(result.tokensUsed)} of ${count(result.tokens)}`],
    ['Windows', count(result.windows)],
    [result.explanation ? 'Time, with explanation' : 'Time', duration(milliseconds)],
    ['Tokens per second', count(result.tokensUsed / (milliseconds / 1000))]
  ])
  section.replaceChildren(title, scores, facts)
}

/** @param {string} [why] */
export function clearResult(why = 'Nothing has been classified yet.') {
  section.replaceChildren(title, element('p', { class: 'empty' }, why))
}
