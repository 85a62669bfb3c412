/** All examples, a page at a time: their labels can be changed, and they can be taken out. */
import { arrange, element } from '../common/dom.js'
import { plural } from '../common/format.js'
import { createPager } from '../common/pager.js'

const ROWS = 25
const CLIPPED = 240 // characters of a text

/** @param {string} text */
export function clip(text) {
  const line = text.slice(0, 2 * CLIPPED).replace(/\s+/g, ' ').trim()
  return line.length > CLIPPED || text.length > 2 * CLIPPED ? `${line.slice(0, CLIPPED)} …` : line
}

/**
 * A choice among the labels.
 *
 * @param {readonly string[]} labels
 * @param {string} chosen one of them, or another
 * @param {string} name for those who do not see where it is
 * @param {(label: string) => void} onChange
 */
export function labelPicker(labels, chosen, name, onChange) {
  const options = labels.includes(chosen) ? labels : [chosen, ...labels]
  const picker = element('select', { 'aria-label': name }, ...options.map((label) => element('option', { value: label, ...(label === chosen ? { selected: '' } : {}) }, label)))
  picker.addEventListener('change', () => onChange(picker.value))
  return picker
}

/** @param {import('./examples.js').Examples} examples @returns {HTMLElement} */
export function createExamplesTable(examples) {
  const body = element('tbody')
  const summary = element('summary')
  const pager = createPager(ROWS, show)
  /** By example, as long as they are right. @type {Map<number, { line: HTMLElement, picker: HTMLSelectElement, labels: readonly string[] }>} */
  const lines = new Map()
  const box = element('details', { class: 'examples' }, summary,
    element('div', { class: 'scroll', role: 'region', 'aria-label': 'Examples', tabindex: '0' },
      element('table', {}, element('thead', {}, element('tr', {}, ...['Text', 'Label', 'From'].map((name) => element('th', { scope: 'col' }, name)), element('td'))), body)), pager.box)

  function show() {
    summary.textContent = `See all ${plural(examples.size, 'example')}`
    box.hidden = examples.size === 0
    if (!box.open) return
    arrange(body, pager.of(examples.list()).map((example) => {
      const before = lines.get(example.id)
      if (before !== undefined && before.labels === examples.labels && before.picker.value === example.label) return before.line
      const made = { ...lineOf(example), labels: examples.labels }
      lines.set(example.id, made)
      return made.line
    }))
  }

  /** @param {import('./examples.js').Example} example */
  function lineOf({ id, text, label, name }) {
    const gone = element('button', { type: 'button', class: 'small quiet', 'aria-label': `Remove the example “${text.slice(0, 40).trim()}”` }, 'Remove')
    gone.addEventListener('click', () => {
      // The focus goes on to the next one.
      const { nextElementSibling: next, previousElementSibling: previous } = line
      examples.remove([id])
      lines.delete(id)
      const near = [next, previous].find((each) => each?.isConnected)
      if (near) near.querySelector('button')?.focus()
      else summary.focus()
    })
    const picker = labelPicker(examples.labels, label, `Label of the example “${text.slice(0, 40).trim()}”`, (wanted) => examples.relabel(id, wanted))
    const line = element('tr', {}, element('td', { class: 'prose' }, clip(text)), element('td', {}, picker), element('td', { class: 'soft prose' }, name), element('td', {}, gone))
    return { line, picker }
  }

  box.addEventListener('toggle', show)
  examples.addEventListener('change', show)
  show()
  return box
}
