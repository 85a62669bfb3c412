/** The result in one line, at the lower edge of small screens while the result itself is out of sight. */
import { element, find } from '../common/dom.js'
import { inBrief } from './result.js'

/**
 * @param {HTMLElement} section the workbench
 * @param {HTMLElement} card of the result
 */
export function createResultLine(section, card) {
  const words = element('strong')
  const line = element('a', { class: 'result-line', href: '#result' }, words, element('span', {}, 'See all'))
  line.hidden = true
  section.append(line)
  let there = false
  let inSight = true
  let atWork = true
  const show = () => { line.hidden = !there || inSight || !atWork }
  new IntersectionObserver(([entry]) => {
    inSight = entry.isIntersecting
    show()
  }).observe(card)
  new IntersectionObserver(([entry]) => {
    atWork = entry.isIntersecting
    show()
  }).observe(find(section, '.sheet', HTMLElement))
  return {
    /** @param {import('../wasm/index.js').Result | undefined} result */
    show(result) {
      there = result !== undefined
      words.textContent = result === undefined ? '' : inBrief(result)
      show()
    }
  }
}
