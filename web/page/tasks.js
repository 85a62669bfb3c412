/**
 * The tasks that a document can be asked for, and which of them is shown: the shipped models, one's own labels, and models that were
 * opened from files. The picker is this component's.
 */
import { element } from '../common/dom.js'
import { MODELS } from '../engine/models.js'

/** @typedef {import('../engine/models.js').Task} Task */

/**
 * @param {HTMLSelectElement} picker
 * @param {() => void} onChange another one is to be shown
 */
export function createTasks(picker, onChange) {
  /** @type {Task[]} */
  let own = []
  picker.addEventListener('change', onChange)

  function fill(/** @type {string} */ chosen) {
    const options = (/** @type {readonly Task[]} */ tasks) => tasks.map(({ id, title }) => element('option', { value: id }, title))
    picker.replaceChildren(...options(MODELS), ...(own.length === 0 ? [] : [element('optgroup', { label: 'Yours' }, ...options(own))]))
    picker.value = chosen
    if (picker.selectedIndex < 0) picker.selectedIndex = 0
  }
  fill(MODELS[0].id)

  const all = () => [...MODELS, ...own]
  return {
    all,
    own: () => own,
    current: () => all().find(({ id }) => id === picker.value) ?? MODELS[0],
    /** @param {string} id */
    find: (id) => all().find((task) => task.id === id),

    /** Shows another one; nobody is told. @param {string} id @returns {boolean} whether it is another one now */
    choose(id) {
      if (picker.value === id || !all().some((task) => task.id === id)) return false
      picker.value = id
      return true
    },

    /** Adds a task of one's own, or puts it in place of the one with its id. @param {Task} task */
    add(task) {
      own = own.some(({ id }) => id === task.id) ? own.map((each) => (each.id === task.id ? task : each)) : [...own, task]
      fill(picker.value)
    },

    /** @param {string} id */
    remove(id) {
      own = own.filter((task) => task.id !== id)
      fill(picker.value)
    }
  }
}
