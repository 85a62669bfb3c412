/**
 * Why: the document with each passage coloured by what it added to the verdict.
 *
 * The numbers are the model's own sums, not an estimate of them: pooling is a mean and the head is linear, so the
 * passages and one constant add up to the logits.
 */
import { byId, element } from './dom.js'
import { count, logit, plural } from './format.js'

/**
 * @typedef {import('../wasm/index.js').Result} Result
 * @typedef {import('../wasm/index.js').Passage} Passage
 */

const SHOWN = 3 // passages in each list of the strongest
const CLIPPED = 160 // characters of a passage there

const section = byId('explanation', HTMLElement)
const title = byId('explanation-title', HTMLElement)

/**
 * @param {Result} result with its explanation
 * @param {string} text that was classified
 * @param {readonly string[]} labels
 */
export function showExplanation({ label, explanation }, text, labels) {
  if (explanation === undefined) return hideExplanation()
  const { passages } = explanation
  const winner = labels.indexOf(label)
  const rest = labels.length === 2 ? `“${labels[1 - winner]}”` : 'the other labels, on average'
  const lead = byMargin(explanation.logits, winner)
  const constant = byMargin(explanation.bias, winner)
  const total = (/** @type {Passage[]} */ some) => some.reduce((sum, { contribution }) => sum + contribution, 0)
  const pros = passages.filter(({ contribution }) => contribution >= 0)
  const cons = passages.filter(({ contribution }) => contribution < 0)

  const sum = element('p', {}, `Each passage adds to the logit of “${label}” and to that of ${rest}; its number here is \
the first less the second. ${plural(pros.length, 'passage')} for “${label}” (${logit(total(pros))}), \
${plural(cons.length, 'passage')} against it (${logit(total(cons))}) and the model's constant (${logit(constant)}) add up \
to ${logit(lead)}: the lead in logits from which the percentages above are made. Nothing is estimated.`)

  const reading = element('p', { class: 'reading hint' },
    'Point at a passage, or go through them with Tab and the arrow keys, to see its number.')
  section.replaceChildren(title, sum, legend(label, passages), reading, coloured(text, label, passages, reading),
    strongest(`Most for “${label}”`, pros), strongest(`Most against “${label}”`, cons))
  section.hidden = false
}

/** @param {string} [why] said in place of an explanation; without it the section goes */
export function hideExplanation(why) {
  section.replaceChildren(title, ...(why === undefined ? [] : [element('p', { class: 'empty' }, why)]))
  section.hidden = why === undefined
}

/**
 * How far one label is ahead of the mean of the others: the same difference that `passage.contribution` is.
 * @param {number[]} values
 * @param {number} winner
 */
function byMargin(values, winner) {
  const others = values.filter((_, c) => c !== winner)
  return values[winner] - others.reduce((sum, value) => sum + value, 0) / Math.max(1, others.length)
}

/** @param {readonly Passage[]} passages */
const largest = (passages) => passages.reduce((most, { contribution }) => Math.max(most, Math.abs(contribution)), 0)

/**
 * @param {string} label
 * @param {Passage[]} passages
 */
function legend(label, passages) {
  return element('p', { class: 'legend' },
    element('span', { class: 'against-key' }, `against “${label}”`),
    element('span', { class: 'ramp', 'aria-hidden': 'true' }),
    element('span', {}, `for “${label}”`),
    element('span', { class: 'hint' }, `full colour: ${logit(largest(passages)).replace('+', '±').replace('\u2212', '±')}`))
}

/**
 * The text itself, in passages. One of them at a time can be tabbed to; the arrow keys move on from there.
 * @param {string} text
 * @param {string} label
 * @param {readonly Passage[]} passages
 * @param {HTMLElement} reading where the number of the passage at hand is said
 */
function coloured(text, label, passages, reading) {
  const scale = largest(passages) || 1
  const box = element('div', { class: 'passages', role: 'group', 'aria-label': 'The document, by passages' })
  /** @type {HTMLElement[]} */
  const marks = []
  let at = 0
  for (const { start, end, contribution } of [...passages].sort((a, b) => a.start - b.start)) {
    // A token holds the white space before it; that is left uncoloured, and a character in two passages is written once.
    const from = Math.max(at, start + text.slice(start, end).search(/\S|$/))
    const side = contribution < 0 ? 'against' : 'for'
    const mark = element('mark', { class: side, title: `${logit(contribution)}, ${side} “${label}”`, tabindex: '-1' },
      text.slice(from, end))
    mark.style.setProperty('--strength', (Math.abs(contribution) / scale).toFixed(3))
    box.append(text.slice(at, from), mark)
    marks.push(mark)
    at = Math.max(at, end)
  }
  box.append(text.slice(at))
  marks[0]?.setAttribute('tabindex', '0')

  /** @param {Event} event */
  const read = (event) => {
    const mark = event.target instanceof Element ? event.target.closest('mark') : null
    if (mark !== null) reading.textContent = `This passage: ${mark.title}.`
  }
  box.addEventListener('pointerover', read)
  box.addEventListener('focusin', read)
  box.addEventListener('keydown', (event) => {
    const from = marks.findIndex((mark) => mark === event.target)
    const to = { ArrowRight: from + 1, ArrowDown: from + 1, ArrowLeft: from - 1, ArrowUp: from - 1, Home: 0, End: marks.length - 1 }[event.key]
    if (from < 0 || to === undefined || marks[to] === undefined) return
    event.preventDefault()
    marks[from].tabIndex = -1
    marks[to].tabIndex = 0
    marks[to].focus()
  })
  return box
}

/**
 * @param {string} heading
 * @param {Passage[]} passages the strongest first
 */
function strongest(heading, passages) {
  const list = element('ol', { class: 'strongest' })
  for (const { text, contribution } of passages.slice(0, SHOWN)) {
    const line = text.trim().replace(/\s+/g, ' ')
    const shown = line.length > CLIPPED ? `${line.slice(0, CLIPPED).replace(/\s\S*$/, '')} …` : line
    list.append(element('li', {}, element('span', { class: 'number' }, logit(contribution)), ` ${shown}`))
  }
  const empty = element('p', { class: 'empty' }, 'None.')
  return element('div', {}, element('h3', {}, heading, element('span', { class: 'hint' }, ` (${count(passages.length)})`)),
    passages.length > 0 ? list : empty)
}
