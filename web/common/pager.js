/** A long list, a page at a time, so that 20,000 rows cost no more than a hundred. */
import { element } from './dom.js'
import { count } from './format.js'

/**
 * @param {number} size rows on a page
 * @param {() => void} onPage another page is to be shown
 */
export function createPager(size, onPage) {
  const words = element('span', { role: 'status' })
  const back = element('button', { type: 'button', class: 'small' }, 'Previous')
  const on = element('button', { type: 'button', class: 'small' }, 'Next')
  const box = element('div', { class: 'pager' }, back, words, on)
  let page = 0
  let total = 0
  const last = () => Math.max(0, Math.ceil(total / size) - 1)
  const turn = (/** @type {number} */ to) => {
    if (to < 0 || to > last()) return
    page = to
    onPage()
  }
  back.addEventListener('click', () => turn(page - 1))
  on.addEventListener('click', () => turn(page + 1))
  return {
    box,
    /**
     * The rows of the page at hand.
     * @template T
     * @param {readonly T[]} rows all of them
     * @returns {T[]}
     */
    of(rows) {
      total = rows.length
      page = Math.min(page, last())
      box.hidden = total <= size
      back.setAttribute('aria-disabled', String(page === 0))
      on.setAttribute('aria-disabled', String(page === last()))
      words.textContent = total === 0 ? '' : `${count(page * size + 1)} to ${count(Math.min(total, (page + 1) * size))} of ${count(total)}`
      return rows.slice(page * size, (page + 1) * size)
    },
    first() { page = 0 }
  }
}
