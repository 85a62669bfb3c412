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
 * @param {(place: number | undefined) => void} page.onPlace the reading ends at a place in the text
 */
export function createHowFar(root, { read, onPlace }) {
  const slider = find(root, 'input', HTMLInputElement)
  const answer = find(root, '.answer', HTMLElement)
  slider.max = String(STEPS)

  let text = ''
  /** @type {Result | undefined} */
  let whole
  /** The reading under way: a newer one ends it. @type {AbortController | undefined} */
  let work

  /** @param {number} place */
  function set(place) {
    if (whole === undefined) return
    slider.value = String(Math.round((STEPS * place) / Math.max(1, text.length)))
    onPlace(place)
    void readTo(place)
  }

  /** @param {number} place @returns {Promise<Result | undefined>} */
  async function readTo(place) {
    work?.abort()
    const mine = work = new AbortController()
    const part = text.slice(0, place)
    const result = place >= text.length ? whole : part.trim() === '' ? undefined : await read(part, mine.signal).catch(() => undefined)
    if (mine.signal.aborted || whole === undefined) return undefined
    say(place, result)
    return result
  }

  /** @param {number} place @param {Result | undefined} result */
  function say(place, result) {
    if (whole === undefined) return
    if (result === undefined) {
      answer.replaceChildren('Nothing is read yet: move the handle to the right.')
      return
    }
    const words = text.slice(0, place).match(/\S+/g)?.length ?? 0
    slider.setAttribute('aria-valuetext', plural(words, 'word'))
    const what = result.found === undefined ? `${result.label}, ${percent(result.score)}` : plural(result.found.length, 'label')
    const same = result.label === whole.label && result.found?.length === whole.found?.length
    answer.replaceChildren(`${place >= text.length ? 'All' : 'The first'} ${count(words)} words (${count(result.tokensUsed)} of ${count(whole.tokens)} tokens): `,
      element('strong', {}, what), place >= text.length ? '' : same ? ', as for the whole document' : `; the whole document: ${whole.found === undefined ? whole.label : plural(whole.found.length, 'label')}`)
  }

  /** @param {number} words */
  const placeOfWord = (words) => {
    const next = [...text.matchAll(/\S+/g)][words - 1]
    return next === undefined ? text.length : next.index + next[0].length
  }

  /** Where so many tokens end, nearly: by trying. @param {number} tokens */
  async function toTokens(tokens) {
    if (whole === undefined || whole.tokens <= tokens) return set(text.length)
    let place = Math.round((text.length * tokens) / whole.tokens)
    for (let i = 0; i < TRIES; i++) {
      slider.value = String(Math.round((STEPS * place) / text.length))
      onPlace(place)
      const result = await readTo(place)
      if (result === undefined || result.tokensUsed === tokens) return
      place = Math.min(text.length, Math.round((place * tokens) / result.tokensUsed))
    }
  }

  const presets = { words: () => set(placeOfWord(WORDS)), tokens: () => toTokens(TOKENS), all: () => set(text.length) }
  for (const [until, go] of Object.entries(presets)) {
    find(root, `[data-until=${until}]`, HTMLButtonElement).addEventListener('click', () => void go())
  }
  slider.addEventListener('input', () => {
    const place = Math.round((text.length * Number(slider.value)) / STEPS)
    onPlace(place)
    void readTo(place)
  })

  return {
    /** @param {string} document that has been read @param {Result} result of all of it */
    show(document, result) {
      work?.abort()
      text = document
      whole = result
      root.hidden = false
      slider.value = String(STEPS)
      onPlace(text.length)
      say(text.length, result)
    },

    /** The line on the map was moved. @param {number} place */
    moved(place) {
      set(place)
    },

    hide() {
      work?.abort()
      whole = undefined
      root.hidden = true
      onPlace(undefined)
    }
  }
}
