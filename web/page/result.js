/** The result: what each task says of the document, how typical the document is, and what was read to come to it. */
import { element, find, rows } from '../common/dom.js'
import { count, duration, percent } from '../common/format.js'

/**
 * @typedef {import('../wasm/index.js').Result} Result
 * @typedef {import('../engine/models.js').Task} Task
 *
 * @typedef {object} Run
 * @property {number} milliseconds
 * @property {number} threads
 */

const SHOWN = 5 // labels; the rest are a click away
const FOUND_SHOWN = 8 // of labels that were found

/** @type {Partial<Record<import('../wasm/index.js').Doubt, string>>} */
const DOUBTS = { unlike: 'unlike its training', 'unknown-script': 'unknown script', repetitive: 'repetitive' }

/** Why a label means little, in a word or two; undefined where it does not, or the model cannot tell. @param {Result} result */
export const doubtIn = ({ doubt }) => doubt && DOUBTS[doubt]

/** How typical a document is, in words; empty where the model cannot tell. @param {Result} result */
export function typicalityWords({ typicality, doubt }) {
  if (typicality === undefined) return ''
  if (doubt === 'unlike') return 'Unlike anything this model was trained on: its label means little here.'
  if (doubt === 'unknown-script') return 'In a script that this model does not know: its label means little here.'
  if (doubt === 'repetitive') return 'The same few words over and over: its label means little here.'
  const share = typicality < 0.1 ? percent(typicality) : `${Math.round(100 * typicality)} %`
  if (doubt === 'unusual') return `Unusual for this model: only ${share} of its training documents are further from their average.`
  return `Like what this model was trained on: ${share} of its training documents are further from their average.`
}

/**
 * @param {HTMLElement} card
 * @param {{ onTask: (id: string) => void, onClause: (label: string) => void }} listener another task's answer is to be shown; a label that
 *   was found, in the document
 */
export function createResult(card, { onTask, onClause }) {
  const body = find(card, '#result-body', HTMLElement)
  const said = find(card, '#result-said', HTMLElement) // all of the card would be too much to listen to
  const actions = find(card, '.result-actions', HTMLElement)
  const copied = find(card, '#copied', HTMLElement)

  /**
   * @param {Task} task
   * @param {Result} result
   * @param {Run} run
   * @param {{ task: Task, result: Result }[]} others answers of the same reading
   * @param {HTMLElement | undefined} mend where the label can be corrected
   */
  function show(task, result, { milliseconds, threads }, others, mend) {
    const { scores, tokens, tokensUsed, windows, found } = result
    const doubtful = doubtIn(result) !== undefined
    /** @type {HTMLElement[]} */
    const parts = [element('p', { class: 'question' }, task.about), found === undefined ? headline(result, doubtful) : clauses(found)]
    const words = typicalityWords(result)
    if (words !== '') parts.push(element('p', { class: doubtful ? 'typicality unlike' : 'typicality' }, words))
    if (found === undefined) {
      parts.push(list(scores.slice(0, SHOWN)))
      if (scores.length > SHOWN) {
        parts.push(element('details', {}, element('summary', {}, `${count(scores.length - SHOWN)} more`), list(scores.slice(SHOWN))))
      }
    } else {
      const rest = scores.filter(({ label }) => !found.some((each) => each.label === label))
      if (rest.length > 0) parts.push(element('details', {}, element('summary', {}, `${count(rest.length)} not found`), list(rest)))
    }
    if (mend !== undefined) parts.push(mend)
    if (others.length > 0) parts.push(also(others))
    parts.push(rows([
      ['Tokens read', `${count(tokensUsed)} of ${count(tokens)}`],
      ['Windows', count(windows)],
      ['Time', duration(milliseconds)],
      ['Tokens a second', count(tokensUsed / (milliseconds / 1000))],
      ['Threads', count(threads)]
    ]))
    body.classList.remove('stale')
    const focused = body.contains(document.activeElement)
    body.replaceChildren(...parts)
    if (focused) find(card, '#result-title', HTMLElement).focus({ preventScroll: true }) // what was pressed is gone
    actions.hidden = false
    said.textContent = `${task.title}: ${inBrief(result)}.`
  }

  /** @param {{ task: Task, result: Result }[]} others */
  function also(others) {
    const made = element('ul', { class: 'also' })
    for (const { task, result } of others) {
      const button = element('button', { type: 'button', class: 'quiet', 'data-task': task.id }, element('span', {}, task.title), element('strong', {}, inBrief(result)))
      button.addEventListener('click', () => onTask(task.id))
      made.append(element('li', {}, button))
    }
    return element('div', { class: 'others' }, element('h3', {}, 'From the same reading'), made)
  }

  /** @param {NonNullable<Result['found']>} found */
  function clauses(found) {
    if (found.length === 0) return element('p', { class: 'verdict' }, element('span', { class: 'label' }, 'None found'))
    const listed = (/** @type {typeof found} */ some) => element('ul', { class: 'found' }, ...some.map(({ label, score }) => {
      const button = element('button', { type: 'button', class: 'quiet' }, element('span', {}, label), element('span', { class: 'number' }, percent(score)))
      button.addEventListener('click', () => onClause(label))
      return element('li', {}, button)
    }))
    const rest = found.slice(FOUND_SHOWN)
    return element('div', { class: 'verdict' }, element('span', { class: 'label' }, `${count(found.length)} found`), listed(found.slice(0, FOUND_SHOWN)),
      ...(rest.length === 0 ? [] : [element('details', {}, element('summary', {}, `${count(rest.length)} more found`), listed(rest))]))
  }

  function clear() {
    said.textContent = ''
    actions.hidden = true
    body.classList.remove('stale')
    body.replaceChildren(element('p', { class: 'soft' }, 'Nothing has been classified yet.'))
  }

  /** The text is another one now. @param {boolean} stale */
  const markStale = (stale) => body.classList.toggle('stale', stale)

  /**
   * @param {string} text
   * @param {string} done said when it is on the clipboard
   */
  async function copy(text, done) {
    try {
      await navigator.clipboard.writeText(text)
      say(done)
    } catch {
      say('The browser did not allow it.')
    }
  }

  /** @param {string} words */
  const say = (words) => { copied.textContent = words }

  return { show, clear, markStale, copy, say }
}

/** One result in a few words. @param {Result} result */
export function inBrief(result) {
  const { label, score, found } = result
  if (found !== undefined) return found.length === 0 ? 'none found' : `${count(found.length)} found`
  const doubt = doubtIn(result)
  return doubt === undefined ? `${label}, ${percent(score)}` : `${label}? ${doubt}`
}

/** @param {Result} result @param {boolean} doubtful */
function headline({ label, score }, doubtful) {
  return element('p', { class: doubtful ? 'verdict doubtful' : 'verdict' },
    element('span', { class: 'label' }, label), element('span', { class: 'score' }, `with probability ${percent(score)}`))
}

/** @param {Result['scores']} scores */
export function list(scores) {
  const made = element('ul', { class: 'scores' })
  for (const { label, score } of scores) {
    const fill = element('span')
    fill.style.width = `${score * 100}%`
    made.append(element('li', {}, element('span', {}, label), element('span', {}, percent(score)),
      element('div', { class: 'bar', 'aria-hidden': 'true' }, fill)))
  }
  return made
}
