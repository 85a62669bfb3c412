/** Passages that are struck out: the document is read again without them, and the two results stand side by side. */
import { find } from '../common/dom.js'
import { LinformerError } from '../wasm/worker.js'
import { createComparison } from './comparison.js'

/**
 * @typedef {import('../wasm/index.js').Result} Result
 *
 * @typedef {object} Whole the document that is on the page
 * @property {string} text
 * @property {Result} result
 * @property {readonly { start: number, end: number }[]} passages in the order of the text
 *
 * @typedef {object} Surroundings
 * @property {ReturnType<typeof import('./reader.js').createReader>} reader
 * @property {ReturnType<typeof import('./jobs.js').createJobs>} jobs
 * @property {ReturnType<typeof import('./progress.js').createProgress>} progress
 * @property {() => Whole | undefined} whole undefined where no reasons are shown
 * @property {(text: string, signal: AbortSignal) => Promise<Result | undefined>} read
 */

/**
 * @param {HTMLElement} section
 * @param {Surroundings} surroundings
 */
export function createStrikes(section, { reader, jobs, progress, whole, read }) {
  const button = find(section, '#strike', HTMLButtonElement)
  /** @type {Set<number>} */
  const struck = new Set()
  let chosen = -1

  const comparison = createComparison(find(section, '#comparison', HTMLElement), () => {
    const first = Math.min(...struck)
    struck.clear()
    void readWithout()
    reader.choose(first, true)
  })

  /** @param {number} passage that the button is for; -1 for none */
  function offer(passage) {
    chosen = passage
    button.hidden = passage < 0
    button.textContent = struck.has(passage) ? 'Put it back' : 'Strike it out'
  }

  /** Strikes a passage out, or puts it back. @param {number} passage */
  async function strike(passage) {
    if (jobs.isBusy() || whole() === undefined) return
    if (!struck.delete(passage)) struck.add(passage)
    await readWithout()
  }

  async function readWithout() {
    reader.strike(struck)
    offer(chosen)
    const document = whole()
    if (struck.size === 0 || document === undefined) {
      comparison.hide()
      return
    }
    const rest = textWithout(document)
    await jobs.run(async (signal) => {
      if (rest.trim() === '') throw new LinformerError('EMPTY_TEXT', 'every passage is struck out')
      const without = await read(rest, signal)
      if (without !== undefined) comparison.show(document.result, without, struck.size)
      progress.say('Done.', 1)
    })
  }

  /** @param {Whole} document */
  function textWithout({ text, passages }) {
    let at = 0
    let rest = ''
    for (const passage of [...struck].sort((a, b) => a - b)) {
      rest += text.slice(at, passages[passage].start)
      at = Math.max(at, passages[passage].end)
    }
    return rest + text.slice(at)
  }

  button.addEventListener('click', () => void strike(chosen))

  return {
    offer,
    strike,
    /** Another document is shown, or none. */
    clear() {
      struck.clear()
      comparison.hide()
      offer(-1)
    }
  }
}
