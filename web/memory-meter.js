/** The memory meter: how the one linear memory of the engine is divided. It is drawn once, for it never changes. */
import { byId, element, rows } from './dom.js'
import { bytes, count } from './format.js'

/** @typedef {import('../wasm/index.js').MemoryReport} MemoryReport */

const section = byId('memory', HTMLElement)

/** @param {MemoryReport} memory */
export function showMemory(memory) {
  const { total, weights, tokenizer, workspace } = memory
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
    piece.style.flex = `${size} 0 0`
    bar.append(piece)
  }

  const list = rows(parts.map(([name, title, size]) => [named(name, title), bytes(size)]))
  list.append(
    element('dt', { class: 'sum' }, 'Linear memory, fixed'),
    element('dd', { class: 'sum' }, bytes(total))
  )
  const note = element('p', { class: 'hint' }, `Allocated once, before the first token, and never grown. The workspace holds \
${count(memory.capacity)} tokens at a time; a longer document is read in windows. The page itself and the browser use \
memory besides.`)
  section.replaceChildren(byId('memory-title', HTMLElement), bar, list, note)
}

/**
 * @param {string} name
 * @param {string} title
 */
function named(name, title) {
  return element('span', {}, element('span', { class: `swatch ${name}`, 'aria-hidden': 'true' }), title)
}
