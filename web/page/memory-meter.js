/** The memory meter: how the one linear memory of the engine is divided, within the budget it was planned for. */
import { element, find, rows } from '../common/dom.js'
import { bytes, count } from '../common/format.js'

/** @typedef {import('../wasm/index.js').MemoryReport} MemoryReport */

const MEBIBYTE = 2 ** 20

/**
 * @param {HTMLElement} card
 * @param {(budget: number) => void} onBudget another one was chosen, in bytes
 */
export function createMemoryMeter(card, onBudget) {
  const body = find(card, '#memory-body', HTMLElement)
  const choices = find(card, '#budget', HTMLFieldSetElement)
  choices.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement) onBudget(Number(target.value) * MEBIBYTE)
  })

  /** @param {MemoryReport} memory */
  function show(memory) {
    const { total, tokenizer, workspace } = memory
    const weights = memory.weights + memory.heads
    const limit = Math.max(memory.budget ?? total, total)
    /** @type {[string, string, number][]} */
    const parts = [
      ['weights', 'Weights', weights],
      ['tokenizer', 'Tokenizer', tokenizer],
      ['workspace', 'Workspace', workspace],
      // The stack, the constants, and what is left of the last 64 KiB page.
      ['rest', 'Stack, constants, page end', total - weights - tokenizer - workspace]
    ]

    const bar = element('div', { class: 'bar', 'aria-hidden': 'true' }) // the list below says the same in words
    for (const [name, , size] of parts) {
      const piece = element('span', { class: name })
      piece.style.width = `${(100 * size) / limit}%`
      bar.append(piece)
    }

    const list = rows(parts.map(([name, title, size]) => [named(name, title), bytes(size)]))
    list.append(element('dt', { class: 'sum' }, 'Linear memory, fixed'), element('dd', { class: 'sum' }, bytes(total)))
    if (memory.budget !== undefined) list.append(element('dt', {}, named('free', 'Budget, not needed')), element('dd', {}, bytes(limit - total)))
    const note = element('p', { class: 'soft note' }, `Allocated once, before the first token, and never grown. It holds \
${count(memory.capacity)} tokens at a time; a longer document is read in windows. The page and the browser use memory besides.`)
    body.replaceChildren(bar, list, note)
  }

  function clear() {
    body.replaceChildren(element('p', { class: 'soft' }, 'Planned when the model has been read.'))
  }

  return { show, clear }
}

/**
 * @param {string} name
 * @param {string} title
 */
function named(name, title) {
  return element('span', {}, element('span', { class: `swatch ${name}`, 'aria-hidden': 'true' }), title)
}
