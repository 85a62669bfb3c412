/** The verdict: the labels with their probabilities, and what was read to come to them. */
import { element, find, rows } from '../common/dom.js'
import { count, duration, percent } from '../common/format.js'

/** @typedef {import('../wasm/index.js').Result} Result */

const SHOWN = 5 // labels; the rest are a click away

const body = find(document, '#result-body', HTMLElement)
const actions = /** @type {HTMLElement} */ (document.querySelector('.result-actions'))

/**
 * @param {Result} result
 * @param {{ milliseconds: number, threads: number, question: string }} run
 */
export function showVerdict(result, { milliseconds, threads, question }) {
  const { label, score, scores, tokens, tokensUsed, windows } = result
  const head = element('p', { class: 'verdict' },
    element('span', { class: 'question' }, question),
    element('span', { class: 'label' }, label), element('span', { class: 'score' }, `with probability ${percent(score)}`))
  /** @type {HTMLElement[]} */
  const lists = [list(scores.slice(0, SHOWN))]
  if (scores.length > SHOWN) {
    lists.push(element('details', {}, element('summary', {}, `${count(scores.length - SHOWN)} more`), list(scores.slice(SHOWN))))
  }
  const facts = rows([
    ['Tokens read', `${count(tokensUsed)} of ${count(tokens)}`],
    ['Windows', count(windows)],
    ['Time', duration(milliseconds)],
    ['Tokens a second', count(tokensUsed / (milliseconds / 1000))],
    ['Threads', count(threads)]
  ])
  body.classList.remove('stale')
  body.replaceChildren(head, ...lists, facts)
  actions.hidden = false
}

/** @param {Result['scores']} scores */
function list(scores) {
  const made = element('ul', { class: 'scores' })
  for (const { label, score } of scores) {
    const fill = element('span')
    fill.style.width = `${score * 100}%`
    made.append(element('li', {}, element('span', {}, label), element('span', {}, percent(score)),
      element('div', { class: 'bar', 'aria-hidden': 'true' }, fill)))
  }
  return made
}

export function clearVerdict() {
  actions.hidden = true
  body.classList.remove('stale')
  body.replaceChildren(element('p', { class: 'soft' }, 'Nothing has been classified yet.'))
}

/** The text is another one now. @param {boolean} stale */
export const markStale = (stale) => body.classList.toggle('stale', stale)

/**
 * @param {string} text
 * @param {string} done said when it is on the clipboard
 */
export async function copy(text, done) {
  const said = find(document, '#copied', HTMLElement)
  try {
    await navigator.clipboard.writeText(text)
    said.textContent = done
  } catch {
    said.textContent = 'The browser did not allow it.'
  }
}
