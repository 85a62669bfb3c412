/**
 * How far must it read? A slider, and a line on the minimap: the result for the document up to there, as it moves.
 */
import { element, find } from '../common/dom.js'
import { count, percent, plural } from '../common/format.js'

/** @typedef {import('../wasm/index.js').Result} Result */

const STEPS = 1000 // of the slider
const WORDS = 400 // about the 512 tokens that many classifiers read, and then stop
const TOKENS = 2048
const TRIES = 3 // to find where so many tokens end

/**
 * @param {HTMLElement} root
 * @param {object} page
 * @param {(text: string, signal: AbortSignal) => Promise<Result | undefined>} page.read
 * @param {(offset: number | undefined) => void} page.onOffset the reading ends at an offset in the text
 */
export function createHowFar(root, { read, onOffset }) {
  const slider = find(root, 'input', HTMLInputElement)
  const answer = find(root, '.answer', HTMLElement)
  slider.max = String(STEPS)

  let text = ''
  /** @type {Result | undefined} */
  let whole
  /** The reading under way: a newer one ends it. @type {AbortController | undefined} */
  let work

  /** @param {number} offset */
  function set(offset) {
    if (whole === undefined) return
    slider.value = String(Math.round((STEPS * offset) / Math.max(1, text.length)))
    onOffset(offset)
    void readTo(offset)
  }

  /** @param {number} offset @returns {Promise<Result | undefined>} */
  async function readTo(offset) {
    work?.abort()
    const mine = work = new AbortController()
    const part = text.slice(0, offset)
    const result = offset >= text.length ? whole : part.trim() === '' ? undefined : await read(part, mine.signal).catch(() => undefined)
    if (mine.signal.aborted || whole === undefined) return undefined
    say(offset, result)
    return result
  }

  /** @param {number} offset @param {Result | undefined} result */
  function say(offset, result) {
    if (whole === undefined) return
    if (result === undefined) {
      answer.replaceChildren('Nothing is read yet: move the handle to the right.')
      return
    }
    const words = text.slice(0, offset).match(/\S+/g)?.length ?? 0
    slider.setAttribute('aria-valuetext', plural(words, 'word'))
    const what = result.found === undefined ? `${result.label}, ${percent(result.score)}` : plural(result.found.length, 'label')
    const same = result.label === whole.label && result.found?.length === whole.found?.length
    answer.replaceChildren(`${offset >= text.length ? 'All' : 'The first'} ${count(words)} words (${count(result.tokensUsed)} of ${count(whole.tokens)} tokens): `,
      element('strong', {}, what), offset >= text.length ? '' : same ? ', as for the whole document' : `; the whole document: ${whole.found === undefined ? whole.label : plural(whole.found.length, 'label')}`)
  }

  /** @param {number} words */
  const placeOfWord = (words) => {
    const next = [...text.matchAll(/\S+/g)][words - 1]
    return next === undefined ? text.length : next.index + next[0].length
  }

  /** Where so many tokens end, nearly: by trying. @param {number} tokens */
  async function toTokens(tokens) {
    if (whole === undefined || whole.tokens <= tokens) return set(text.length)
    let offset = Math.round((text.length * tokens) / whole.tokens)
    for (let i = 0; i < TRIES; i++) {
      slider.value = String(Math.round((STEPS * offset) / text.length))
      onOffset(offset)
      const result = await readTo(offset)
      if (result === undefined || result.tokensUsed === tokens) return
      offset = Math.min(text.length, Math.round((offset * tokens) / result.tokensUsed))
    }
  }

  const presets = { words: () => set(placeOfWord(WORDS)), tokens: () => toTokens(TOKENS), all: () => set(text.length) }
  for (const [until, go] of Object.entries(presets)) {
    find(root, `[data-until=${until}]`, HTMLButtonElement).addEventListener('click', () => void go())
  }
  slider.addEventListener('input', () => {
    const offset = Math.round((text.length * Number(slider.value)) / STEPS)
    onOffset(offset)
    void readTo(offset)
  })

  return {
    /** @param {string} document that has been read @param {Result} result of all of it */
    show(document, result) {
      work?.abort()
      text = document
      whole = result
      root.hidden = false
      slider.value = String(STEPS)
      onOffset(text.length)
      say(text.length, result)
    },

    /** The line on the map was moved. @param {number} offset */
    moved(offset) {
      set(offset)
    },

    hide() {
      work?.abort()
      whole = undefined
      root.hidden = true
      onOffset(undefined)
    }
  }
}
