/** The labels, a card each: its name, how many examples it has, and where more come from. */
import { element } from '../common/dom.js'
import { plural } from '../common/format.js'
import { FEW } from './examples.js'

/**
 * @param {import('./examples.js').Examples} examples
 * @param {{ onFiles: (files: File[], label: string) => void, onProblem: (problem: string) => void }} listener
 * @returns {HTMLElement}
 */
export function createLabels(examples, { onFiles, onProblem }) {
  const list = element('ul', { class: 'label-cards' })
  const name = element('input', { type: 'text', id: 'new-label', maxlength: '100', autocomplete: 'off', placeholder: 'invoice' })
  const form = element('form', { class: 'new-label' }, element('label', { for: 'new-label' }, 'New label'), name, element('button', { type: 'submit' }, 'Add'))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    attempt(() => {
      examples.addLabel(name.value)
      name.value = ''
    })
    name.focus()
  })

  /** @param {() => void} change */
  function attempt(change) {
    try {
      change()
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error))
    }
  }

  /** By label. @type {Map<string, { card: HTMLElement, count: HTMLElement }>} */
  let cards = new Map()

  function show() {
    const counts = examples.counts()
    /** @type {typeof cards} */
    const next = new Map()
    for (const label of examples.labels) next.set(label, cards.get(label) ?? cardOf(label))
    const same = next.size === cards.size && [...next.values()].every(({ card }, i) => list.children[i] === card)
    cards = next
    if (!same) list.replaceChildren(...[...cards.values()].map(({ card }) => card))
    for (const [label, { count }] of cards) {
      const n = counts.get(label) ?? 0
      count.textContent = `${plural(n, 'example')}${n < FEW ? `; ${FEW} or more work better` : ''}`
    }
  }

  /** @param {string} label */
  function cardOf(label) {
    const count = element('p', { class: 'soft' })
    const title = element('input', { type: 'text', class: 'label-name', 'aria-label': 'Name of the label', maxlength: '100', autocomplete: 'off' })
    title.value = label
    title.addEventListener('change', () => {
      const wanted = title.value
      title.value = label
      attempt(() => examples.rename(label, wanted))
    })
    const area = element('textarea', { rows: '4', 'aria-label': `An example of “${label}”`, placeholder: 'A text, as it comes. Ctrl+Enter adds it.' })
    const adding = element('form', { class: 'example-form' }, area, element('button', { type: 'submit', class: 'small' }, 'Add it'))
    adding.hidden = true
    const add = () => {
      for (const problem of examples.add([{ text: area.value, label, name: '' }])) onProblem(problem)
      area.value = ''
      area.focus()
    }
    adding.addEventListener('submit', (event) => {
      event.preventDefault()
      add()
    })
    area.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      event.stopPropagation() // the workbench would classify
      add()
    })
    const write = element('button', { type: 'button', class: 'small', 'aria-expanded': 'false' }, 'Write or paste')
    write.addEventListener('click', () => {
      adding.hidden = !adding.hidden
      write.setAttribute('aria-expanded', String(!adding.hidden))
      if (!adding.hidden) area.focus()
    })
    const input = element('input', { type: 'file', multiple: '', 'aria-label': `Files with examples of “${label}”` })
    input.hidden = true
    input.addEventListener('change', () => {
      const files = [...input.files ?? []]
      input.value = ''
      onFiles(files, label)
    })
    const files = element('button', { type: 'button', class: 'small' }, 'Files…')
    files.addEventListener('click', () => input.click())
    const gone = element('button', { type: 'button', class: 'small quiet', 'aria-label': `Remove the label “${label}” and its examples` }, 'Remove')
    gone.addEventListener('click', () => {
      const n = examples.counts().get(label) ?? 0
      if (n > 0 && !confirm(`Remove “${label}” and its ${plural(n, 'example')}?`)) return
      examples.removeLabel(label)
      name.focus()
    })
    const card = element('li', { class: 'label-card', 'data-drop': 'label', 'data-label': label },
      title, count, element('div', { class: 'actions' }, write, files, gone), input, adding)
    return { card, count }
  }

  examples.addEventListener('change', show)
  show()
  return element('div', {}, list, form)
}
