/**
 * The document, each passage coloured by what it did for or against the label.
 *
 * It is laid out in blocks that the browser skips while they are out of sight, and built in slices, so that a document of
 * 50,000 words costs no more at once than a page of it. One passage at a time can be tabbed to; the arrow keys go on.
 */
import { element } from '../common/dom.js'
import { count, part } from '../common/format.js'
import { createPause } from '../common/pause.js'

/**
 * @typedef {import('./passages.js').Account} Account
 * @typedef {import('./passages.js').Clause} Clause
 */

const BLOCK = 12 // passages from which a block ends at the next line break
const LONGEST_BLOCK = 80 // and at which it ends without one
const LINE = 1.75 * 1.06 * 16 // pixels of a line, for the height of what has not been laid out
const WIDTH = 7.4 // pixels of a character, on average
const PREVIEWED = 5000 // characters of a text that has not been read yet: more than a screen of it
const MOST_CORRECTIONS = 6 // frames after a jump, in which the heights of blocks become known

/** @typedef {ReturnType<typeof createReader>} Reader */

/**
 * @param {HTMLElement} box scrolls
 * @param {HTMLElement} reading where the passage at hand is told in words
 * @param {{ onChosen: (passage: number) => void, onStrike: (passage: number) => void }} listener a passage was chosen; it is to be
 *   struck out, or put back
 */
export function createReader(box, reading, { onChosen, onStrike }) {
  const tooltip = element('div', { class: 'tooltip', role: 'presentation' })
  tooltip.hidden = true
  document.body.append(tooltip)

  /** @type {Account | undefined} */
  let account
  /** @type {readonly string[]} */
  let labels = []
  /** @type {HTMLElement[]} one for each passage, in the order of the text */
  let marks = []
  /** @type {{ box: HTMLElement, first: number, start: number }[]} with the first passage of each and its place in the text */
  let blocks = []
  /** @type {ReadonlySet<number>} */
  let struck = new Set()
  let chosen = -1

  /**
   * @param {string} text
   * @param {Account} shown
   * @param {readonly string[]} names of the labels
   * @param {readonly Clause[]} clauses
   * @param {AbortSignal} signal
   */
  async function show(text, shown, names, clauses, signal) {
    account = shown
    labels = names
    marks = []
    blocks = []
    struck = new Set()
    chosen = -1
    reading.textContent = ''
    box.replaceChildren()
    box.hidden = false
    box.scrollTop = 0
    box.tabIndex = -1
    const { passages } = shown
    const pause = createPause(signal)
    const inLine = Math.max(20, (box.clientWidth - 60) / WIDTH)
    let at = 0
    for (let first = 0; first < passages.length;) {
      const block = element('div', { class: 'block' })
      const start = at
      let next = first
      while (next < passages.length) {
        const { start, end } = passages[next]
        // A token holds the white space before it; that is left uncoloured, and a character in two passages is written once.
        const from = Math.max(at, start + text.slice(start, end).search(/\S|$/))
        const gap = text.slice(at, from)
        if (next > first && ((next - first >= BLOCK && gap.includes('\n')) || next - first >= LONGEST_BLOCK)) break
        const mark = element('mark', { tabindex: '-1', 'data-passage': String(next), 'aria-describedby': reading.id }, text.slice(from, Math.max(from, end)))
        paint(mark, shown.numbers[next], shown.strongest)
        block.append(gap, mark)
        marks.push(mark)
        at = Math.max(at, end)
        next++
      }
      if (next === passages.length) block.append(text.slice(at))
      const lines = text.slice(start, at).split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / inLine)), 0)
      block.style.containIntrinsicSize = `auto ${Math.round(lines * LINE)}px`
      blocks.push({ box: block, first, start })
      box.append(block)
      first = next
      await pause()
    }
    markClauses(clauses)
    marks[0]?.setAttribute('tabindex', '0')
  }

  /** The beginning of a text that is being read. @param {string} text */
  function preview(text) {
    hide()
    box.hidden = false
    box.scrollTop = 0
    box.tabIndex = 0 // nothing in it can be tabbed to
    box.append(element('div', { class: 'block preview' }, text.length > PREVIEWED ? `${text.slice(0, PREVIEWED)}…` : text))
  }

  /** The same document for another label. @param {Account} shown @param {readonly string[]} names @param {readonly Clause[]} clauses @param {AbortSignal} signal */
  async function recolour(shown, names, clauses, signal) {
    account = shown
    labels = names
    markClauses(clauses)
    const pause = createPause(signal)
    for (const [i, mark] of marks.entries()) {
      paint(mark, shown.numbers[i], shown.strongest)
      await pause()
    }
    if (chosen >= 0) say(chosen)
  }

  /** @param {readonly Clause[]} clauses */
  function markClauses(clauses) {
    for (const mark of box.querySelectorAll('[data-clause]')) mark.removeAttribute('data-clause')
    for (const { label, passage } of clauses) {
      const mark = marks[passage]
      if (mark === undefined) continue
      const before = mark.getAttribute('data-clause')
      mark.setAttribute('data-clause', before === null ? label : `${before} · ${label}`)
    }
  }

  function hide() {
    box.hidden = true
    box.replaceChildren()
    marks = []
    blocks = []
    account = undefined
    reading.textContent = ''
    tooltip.hidden = true
  }

  /** Brings a passage into sight and marks it. @param {number} passage @param {boolean} focus */
  function choose(passage, focus) {
    if (marks[passage] === undefined) return
    marks[chosen]?.classList.remove('chosen')
    for (const mark of [marks[0], marks[Math.max(0, chosen)]]) mark.tabIndex = -1
    chosen = passage
    marks[passage].classList.add('chosen')
    marks[passage].tabIndex = 0
    say(passage) // before the focus is there, which has it read out
    if (focus) marks[passage].focus({ preventScroll: true })
    const at = marks[passage].getBoundingClientRect()
    const frame = box.getBoundingClientRect()
    if (at.top < frame.top + 20 || at.bottom > frame.bottom - 20) keepInSight(passage, 0, 1 / 3)
    onChosen(passage)
  }

  /** Passages that are read no more. @param {ReadonlySet<number>} passages */
  function strike(passages) {
    for (const passage of new Set([...struck, ...passages])) marks[passage]?.classList.toggle('struck', passages.has(passage))
    struck = new Set(passages)
    if (chosen >= 0) say(chosen)
  }

  /** The part of the text that is in sight, as offsets. @returns {{ from: number, to: number }} */
  function sight() {
    const top = box.scrollTop
    return { from: offsetAt(top), to: offsetAt(top + box.clientHeight) }
  }

  /** Brings an offset of the text to the middle. @param {number} offset */
  function scrollTo(offset) {
    const passages = account?.passages ?? []
    let [low, high] = [0, passages.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (passages[middle].start <= offset) low = middle
      else high = middle - 1
    }
    if (passages[low] === undefined) return
    const { start, end } = passages[low]
    keepInSight(low, (offset - start) / Math.max(1, end - start), 1 / 2)
  }

  let corrections = 0
  /**
   * Blocks that were never in sight have heights that are estimated: a jump is corrected while they become known.
   *
   * @param {number} passage
   * @param {number} share of the passage, 0 at its beginning
   * @param {number} height of the box at which that is to be, 0 at its top
   */
  function keepInSight(passage, share, height) {
    const jump = ++corrections
    let frames = 0
    const correct = () => {
      const mark = marks[passage]
      if (jump !== corrections || mark === undefined) return
      const at = mark.getBoundingClientRect()
      const off = at.top + share * at.height - box.getBoundingClientRect().top - height * box.clientHeight
      const before = box.scrollTop
      box.scrollTop += off
      if (++frames < MOST_CORRECTIONS && (frames < 3 || Math.abs(box.scrollTop - before) > 1)) requestAnimationFrame(correct)
    }
    correct()
  }

  /** @param {number} y in the scrolled content @returns {number} offset in the text, to within a line or so */
  function offsetAt(y) {
    let [low, high] = [0, blocks.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (blocks[middle].box.offsetTop - box.offsetTop <= y) low = middle
      else high = middle - 1
    }
    const block = blocks[low]
    if (block === undefined) return 0
    const end = blocks[low + 1]?.start ?? account?.passages.at(-1)?.end ?? block.start
    const share = Math.min(1, Math.max(0, (y - (block.box.offsetTop - box.offsetTop)) / Math.max(1, block.box.offsetHeight)))
    return block.start + share * (end - block.start)
  }

  /** @param {HTMLElement} mark @param {number} number @param {number} strongest */
  function paint(mark, number, strongest) {
    mark.classList.toggle('against', number < 0)
    mark.classList.toggle('for', number >= 0)
    mark.style.setProperty('--strength', (Math.abs(number) / (strongest || 1)).toFixed(3))
  }

  /** @param {number} passage */
  function say(passage) {
    if (account === undefined) return
    const number = account.numbers[passage]
    const meaning = account.relative ? `${number < 0 ? 'less' : 'more'} for “${account.label}” than its length’s share` : `${number < 0 ? 'against' : 'for'} “${account.label}”`
    reading.textContent = `Passage ${count(passage + 1)} of ${count(marks.length)}${struck.has(passage) ? ', struck out' : ''}: ${part(number)}, ${meaning}`
  }

  /** @param {Event} event */
  function passageOf({ target }) {
    const mark = target instanceof Element ? target.closest('mark') : null
    return mark === null || !box.contains(mark) ? -1 : Number(mark.getAttribute('data-passage'))
  }

  /** @param {number} passage @param {PointerEvent} event */
  function showTooltip(passage, event) {
    if (account === undefined) return
    const { contributions } = account.passages[passage]
    const order = labels.map((_, c) => c).sort((a, b) => contributions[b] - contributions[a])
    const shown = order.length <= 4 ? order : [...order.slice(0, 2), ...order.slice(-2)]
    const list = element('dl')
    list.append(element('dt', {}, element('strong', {}, account.relative ? 'Beyond its length’s share' : 'To the lead')), element('dd', {}, element('strong', {}, part(account.numbers[passage]))))
    for (const c of shown) list.append(element('dt', {}, `to “${labels[c]}”`), element('dd', {}, part(contributions[c])))
    tooltip.replaceChildren(list)
    tooltip.hidden = false
    const { width, height } = tooltip.getBoundingClientRect()
    const above = event.clientY - height - 16
    tooltip.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, event.clientX - width / 2))}px`
    tooltip.style.top = `${above > 8 ? above : event.clientY + 22}px`
  }

  box.addEventListener('pointerover', (event) => {
    const passage = passageOf(event)
    if (passage < 0) {
      tooltip.hidden = true
      return
    }
    say(passage)
    if (event.pointerType === 'mouse') showTooltip(passage, event)
  })
  box.addEventListener('pointerleave', () => {
    tooltip.hidden = true
    if (chosen >= 0) say(chosen)
  })
  box.addEventListener('scroll', () => { tooltip.hidden = true }, { passive: true })
  box.addEventListener('wheel', () => corrections++, { passive: true })
  box.addEventListener('focusin', (event) => {
    const passage = passageOf(event)
    if (passage >= 0) say(passage)
  })
  box.addEventListener('click', (event) => {
    const passage = passageOf(event)
    if (passage >= 0) choose(passage, false)
  })
  box.addEventListener('keydown', (event) => {
    const from = passageOf(event)
    if (from >= 0 && ['Delete', 'Backspace'].includes(event.key)) {
      event.preventDefault()
      choose(from, true)
      onStrike(from)
      return
    }
    const steps = /** @type {Record<string, number>} */ ({ ArrowRight: from + 1, ArrowDown: from + 1, ArrowLeft: from - 1, ArrowUp: from - 1, Home: 0, End: marks.length - 1 })
    const to = steps[event.key]
    if (from < 0 || to === undefined || marks[to] === undefined) return
    event.preventDefault()
    choose(to, true)
  })

  return { show, preview, recolour, hide, choose, strike, sight, scrollTo }
}
