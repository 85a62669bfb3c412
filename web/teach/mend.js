/** A prediction that is wrong becomes an example with the right label. */
import { element } from '../common/dom.js'
import { labelPicker } from './examples-table.js'

/**
 * @param {import('./examples.js').Examples} examples
 * @param {{ text: string, label: string, name: string }} prediction
 * @returns {HTMLElement}
 */
export function createMend(examples, { text, label, name }) {
  const said = element('span', { role: 'status' })
  const picker = labelPicker(examples.labels, label, 'The right label', (wanted) => {
    examples.add([{ text, label: wanted, name }])
    said.textContent = `Now an example of “${wanted}”: teach again to use it.`
  })
  return element('p', { class: 'mend soft' }, element('label', {}, 'Is it wrong? It is ', picker), ' ', said)
}
