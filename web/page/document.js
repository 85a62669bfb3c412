/** The document: typed, pasted, dropped, opened from a file, or one of the samples. */
import { find } from '../common/dom.js'
import { count, plural } from '../common/format.js'
import { SAMPLES, sampleText } from './samples.js'

/** @typedef {import('./samples.js').Sample} Sample */

const LARGE = 1e5 // characters from which a count of the words is no longer made at every key

/**
 * @param {HTMLElement} sheet
 * @param {object} listener
 * @param {() => void} listener.onTyped the visitor changed the text
 * @param {() => void} listener.onSet another text is there, to be read
 * @param {(sample: Sample) => void} listener.onSample one of the samples was taken
 * @param {(files: File[]) => void} listener.onFiles some were chosen
 * @param {(problem: string) => void} listener.onProblem a sample cannot be used, in words
 */
export function createDocument(sheet, { onTyped, onSet, onSample, onFiles, onProblem }) {
  const area = find(sheet, '#text', HTMLTextAreaElement)
  const size = find(sheet, '#text-size', HTMLElement)
  const input = find(sheet, '#file', HTMLInputElement)

  /** The sample that the text is, unchanged. @type {Sample | undefined} */
  let sample

  /** @param {string} value @param {Sample} [from] */
  function setText(value, from) {
    area.value = value
    area.scrollTop = 0
    sample = from
    describe()
    onSet()
  }

  /** @param {Sample} chosen @returns {Promise<boolean>} whether its text is there */
  async function setSample(chosen) {
    try {
      setText((await sampleText(chosen)).trimEnd(), chosen)
      return true
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error))
      return false
    }
  }

  function describe() {
    const { value } = area
    const characters = plural(value.length, 'character')
    if (value === '') size.textContent = 'No text yet.'
    else if (value.length > LARGE) size.textContent = characters
    else size.textContent = `${count(value.match(/\S+/g)?.length ?? 0)} words, ${characters}`
  }

  area.addEventListener('input', () => {
    sample = undefined
    describe()
    onTyped()
  })
  find(sheet, '#open', HTMLButtonElement).addEventListener('click', () => input.click())
  input.addEventListener('change', () => {
    const files = [...input.files ?? []]
    input.value = '' // so that the same file can be chosen again after an edit
    if (files.length > 0) onFiles(files)
  })
  for (const each of SAMPLES) {
    find(sheet, `[data-sample=${each.id}]`, HTMLButtonElement).addEventListener('click', async () => {
      if (await setSample(each)) onSample(each)
    })
  }
  describe() // a browser may have kept the text from before a reload

  return {
    text: () => area.value,
    sample: () => sample,
    focus: () => area.focus(),
    isFocused: () => document.activeElement === area,
    /** @param {boolean} editing */
    setEditing(editing) { area.hidden = !editing },
    setText,
    setSample
  }
}
