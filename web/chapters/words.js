/** A document's tokens as words, each tinted by a number: by how much it is looked at, or is mixed in. */
import { element } from '../common/dom.js'

/** What a token looks like: line ends and spaces as signs of their own, where they are all there is. @param {string} piece */
export const wordOf = (piece) => (piece.trim() !== '' ? piece.trim() : piece.includes('\n') ? '¶' : '␣')

/**
 * @param {HTMLElement} root
 * @param {(token: number) => void} onChoose
 */
export function mountWords(root, onChoose) {
  /** @type {HTMLElement[]} */
  let spans = []
  /** The chosen one. @type {HTMLElement | undefined} */
  let chosen
  const choose = (/** @type {Event} */ event) => {
    const index = event.target instanceof HTMLElement ? Number(event.target.dataset.token ?? NaN) : NaN
    if (!Number.isNaN(index)) onChoose(index)
  }
  root.addEventListener('click', choose)
  root.addEventListener('pointerover', (event) => {
    if (event.pointerType === 'mouse') choose(event)
  })
  return {
    /** @param {string[]} pieces @param {number} [first] number of the first one */
    show(pieces, first = 0) {
      spans = pieces.map((piece, i) => element('span', { 'data-token': String(first + i) }, piece))
      root.replaceChildren(...spans)
      chosen = undefined
    },
    /** @param {(i: number) => number} strength 0 to 1, of each of the shown ones @param {number} [which] the one that it is about */
    tint(strength, which) {
      for (const [i, span] of spans.entries()) span.style.setProperty('--tint', `${Math.round(100 * Math.min(1, Math.max(0, strength(i))) ** 0.8)}%`)
      chosen?.classList.remove('chosen')
      chosen = which === undefined ? undefined : spans[which]
      chosen?.classList.add('chosen')
    }
  }
}
