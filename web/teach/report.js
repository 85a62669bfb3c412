/** How good the taught model is, and what would make it better. */
import { element } from '../common/dom.js'
import { count, percent, plural } from '../common/format.js'
import { clip } from './examples-table.js'
import { FEW } from './examples.js'

/**
 * @typedef {import('../wasm/index.js').TeachReport} TeachReport
 * @typedef {import('../wasm/index.js').Estimate} Estimate
 * @typedef {import('./examples.js').Examples} Examples
 */

const SUSPECTS = 8 // at a time
/** A label of which fewer are found is one that more examples would help. */
const POOR = 0.7

/** @param {number} share */
const whole = (share) => `${Math.round(100 * share)} %`

/** @param {Estimate} estimate */
const interval = ({ low, high }) => `95 % interval ${whole(low)} to ${whole(high)}`

/**
 * @param {TeachReport} report
 * @param {number[]} ids of the examples, in the order in which they were taught
 * @param {Examples} examples
 * @returns {HTMLElement}
 */
export function createReport(report, ids, examples) {
  const { accuracy, alone, perLabel, folds, skipped, sameText, nearDuplicates } = report
  const most = Math.max(...perLabel.map(({ examples: n }) => n))
  const headline = element('p', { class: 'grade' }, element('strong', {}, whole(accuracy.value)), ' of the examples were labelled right while they were held out ',
    element('span', { class: 'soft' }, `(${interval(accuracy)})`))
  const note = element('p', { class: 'soft note' }, `Each of ${count(report.examples)} examples was judged by a model that had not seen it, in ${count(folds)} parts. \
Always answering the most frequent label would be right for ${whole(most / report.examples)}; words alone, without what the model knows of language, for ${whole(alone.words.accuracy.value)}.`)
  /** @type {HTMLElement[]} */
  const parts = [headline, note, advice(report), labels(report)]
  if (report.confusion !== undefined) parts.push(confusion(report.confusion, perLabel.map(({ label }) => label)))
  parts.push(suspects(report, ids, examples))
  const left = [...skipped.map(({ message }) => message)]
  if (left.length > 0) parts.push(element('p', { class: 'soft' }, `${plural(left.length, 'example was', 'examples were')} left out: ${[...new Set(left)].slice(0, 3).join('; ')}.`))
  if (sameText.length > 0) {
    parts.push(element('p', { class: 'soft' }, `${plural(sameText.length, 'text has', 'texts have')} more than one label: “${clip(examples.get(ids[sameText[0][0]])?.text ?? '')}”.`))
  }
  if (nearDuplicates.length > 0) {
    const [one, ...others] = nearDuplicates[0].map((index) => examples.get(ids[index]))
    const other = others.find((example) => example?.label !== one?.label)
    const texts = [one, other].map((example) => `“${clip(example?.text ?? '')}”`)
    parts.push(element('p', { class: 'soft' }, `${plural(nearDuplicates.flat().length, 'example is', 'examples are')} nearly the same text \
as one with another label, such as ${texts.join(' and ')}.`))
  }
  return element('div', { class: 'report' }, ...parts)
}

/** @param {TeachReport} report */
function advice({ perLabel, confident, examples: n }) {
  const words = []
  const few = perLabel.filter(({ examples }) => examples < FEW)
  const poor = perLabel.filter(({ examples, recall }) => examples >= FEW && recall !== null && recall < POOR).sort((a, b) => Number(a.recall) - Number(b.recall))
  for (const { label, examples } of few.slice(0, 3)) words.push(`More examples of “${label}” would help: it has ${count(examples)}.`)
  for (const { label, recall } of poor.slice(0, 3)) words.push(`More of “${label}” would help: only ${whole(recall ?? 0)} of its examples were found.`)
  if (n < 50) words.push('With so few examples the figures themselves are rough.')
  if (confident !== null && confident.share > 0) words.push(`Where the score is ${confident.threshold.toFixed(2)} or more, 95 % were right: ${whole(confident.share)} of the documents.`)
  return element('ul', { class: 'advice' }, ...words.map((each) => element('li', {}, each)))
}

/** @param {TeachReport} report */
function labels({ perLabel }) {
  const share = (/** @type {number | null} */ value) => (value === null ? '–' : whole(value))
  return element('div', { class: 'scroll', role: 'region', 'aria-label': 'How each label fared', tabindex: '0' }, element('table', {},
    element('caption', {}, 'Label by label'),
    element('thead', {}, element('tr', {}, element('td'), ...['Examples', 'Found', 'Right when given', 'F1'].map((name) => element('th', { scope: 'col' }, name)))),
    element('tbody', {}, ...perLabel.map(({ label, examples, precision, recall, f1 }) => element('tr', {},
      element('th', { scope: 'row' }, label), element('td', {}, count(examples)), element('td', {}, share(recall)), element('td', {}, share(precision)), element('td', {}, f1 === null ? '–' : f1.toFixed(2)))))))
}

/** @param {number[][]} confusion [true][predicted] @param {string[]} names */
function confusion(confusion, names) {
  const rows = confusion.map((row, i) => {
    const sum = row.reduce((a, b) => a + b, 0)
    return element('tr', {}, element('th', { scope: 'row' }, names[i]), ...row.map((n, j) => {
      const cell = element('td', { class: i === j ? 'agree' : n > 0 ? 'confused' : 'none' }, count(n))
      cell.style.setProperty('--share', (n / Math.max(1, sum)).toFixed(3))
      return cell
    }))
  })
  return element('details', { class: 'confusion' }, element('summary', {}, 'What was taken for what'),
    element('div', { class: 'scroll', role: 'region', 'aria-label': 'Confusion matrix', tabindex: '0' }, element('table', {},
      element('caption', {}, 'Rows: the label you gave. Columns: the label that was predicted.'),
      element('thead', {}, element('tr', {}, element('td'), ...names.map((name) => element('th', { scope: 'col' }, name)))), element('tbody', {}, ...rows))))
}

/**
 * Examples whose labels look wrong, each to be mended with a click.
 *
 * @param {TeachReport} report
 * @param {number[]} ids
 * @param {Examples} examples
 */
function suspects({ suspects }, ids, examples) {
  const list = element('ul', { class: 'suspects' })
  for (const { index, label, score, suggested } of suspects) {
    const id = ids[index]
    const example = examples.get(id)
    if (example === undefined || example.label !== label || list.children.length === SUSPECTS) continue
    const item = element('li', {})
    const done = (/** @type {string} */ words) => {
      const said = element('p', { class: 'soft', tabindex: '-1' }, words)
      item.replaceChildren(said)
      said.focus() // the button is gone; it is read out, and the next Tab leads on
    }
    const right = element('button', { type: 'button', class: 'small' }, 'It is right')
    right.addEventListener('click', () => done(`Stays “${label}”.`))
    const gone = element('button', { type: 'button', class: 'small' }, 'Take it out')
    gone.addEventListener('click', () => {
      examples.remove([id])
      done('Taken out.')
    })
    const actions = element('div', { class: 'actions' })
    if (suggested !== null && suggested !== label) {
      const change = element('button', { type: 'button', class: 'small' }, `Change to “${suggested}”`)
      change.addEventListener('click', () => {
        examples.relabel(id, suggested)
        done(`Now “${suggested}”.`)
      })
      actions.append(change)
    }
    actions.append(right, gone)
    item.append(element('p', { class: 'prose' }, clip(example.text)), element('p', { class: 'soft' }, `You said “${label}”; that had a probability of ${percent(score)}${example.name === '' ? '' : `. From ${example.name}`}`), actions)
    list.append(item)
  }
  if (list.children.length === 0) return element('p', { class: 'soft' }, 'No label looks wrong.')
  return element('div', {}, element('h4', {}, 'Look at these first: their labels seem unlikely'), list)
}
