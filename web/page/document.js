/** The document: typed, pasted, dropped, opened from a file, or one of the samples. */
import { element, find } from '../common/dom.js'
import { readFile } from './files.js'
import { count, plural } from '../common/format.js'
import { SAMPLES, sampleText } from './samples.js'

/** @typedef {import('./samples.js').Sample} Sample */

const LARGE = 1e5 // characters from which a count of the words is no longer made at every key

const area = find(document, '#text', HTMLTextAreaElement)
const size = find(document, '#text-size', HTMLElement)
const input = find(document, '#file', HTMLInputElement)
const zone = find(document, '#drop', HTMLElement)

export const text = () => area.value
export const focusText = () => area.focus()

/** The sample that the text is, unchanged. @type {Sample | undefined} */
let sample
export const currentSample = () => sample

/**
 * @typedef {object} Listener
 * @property {() => void} onChange the text is another one now
 * @property {(sample: Sample) => void} onSample one of the samples was taken
 * @property {(problem: string) => void} onProblem a file or sample cannot be used, in words
 * @property {(words: string, share: number) => void} onProgress a file is being read
 */

/** @type {Listener} */
let listener

/** @param {string} value @param {Sample} [from] */
export function setText(value, from) {
  area.value = value
  area.scrollTop = 0
  sample = from
  describe()
  listener.onChange()
}

/** @param {Sample} chosen @returns {Promise<boolean>} whether its text is there */
export async function setSample(chosen) {
  try {
    setText((await sampleText(chosen)).trimEnd(), chosen)
    return true
  } catch (error) {
    listener.onProblem(error instanceof Error ? error.message : String(error))
    return false
  }
}

/** @param {Listener} whom */
export function watchDocument(whom) {
  listener = whom
  area.addEventListener('input', () => {
    sample = undefined
    describe()
    listener.onChange()
  })
  find(document, '#open', HTMLButtonElement).addEventListener('click', () => input.click())
  input.addEventListener('change', async () => {
    await open(input.files?.[0])
    input.value = '' // so that the same file can be chosen again after an edit
  })
  const list = document.querySelector('.samples')
  for (const each of SAMPLES) {
    const button = element('button', { type: 'button', 'data-sample': each.id }, each.title)
    button.addEventListener('click', async () => {
      if (await setSample(each)) listener.onSample(each)
    })
    list?.append(button)
  }
  find(document, '#about-samples', HTMLElement).textContent = SAMPLES.map(({ source }) => source).filter(Boolean).join(' ')
  watchDrops((dropped) => void open(dropped))
  describe() // a browser may have kept the text from before a reload
}

/** @param {File | undefined} file */
async function open(file) {
  if (file === undefined) return
  listener.onProgress(`Reading ${file.name}`, 0)
  try {
    const { text, notes } = await readFile(file, (share) => listener.onProgress(`Reading ${file.name}`, share))
    setText(text)
    if (notes.length > 0) listener.onProblem(`${file.name}: ${notes.join('; ')}. The rest was read.`)
  } catch (error) {
    listener.onProblem(error instanceof Error ? error.message : String(error))
  }
}

/** @param {(file: File | undefined) => void} onFile */
function watchDrops(onFile) {
  /** @param {DragEvent} event */
  const carriesFile = (event) => event.dataTransfer?.types.includes('Files') ?? false
  // On the whole page: a file that missed the text area would otherwise replace the page.
  addEventListener('dragover', (event) => {
    if (!carriesFile(event)) return
    event.preventDefault()
    zone.classList.add('over')
  })
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) zone.classList.remove('over')
  })
  addEventListener('drop', (event) => {
    zone.classList.remove('over')
    if (!carriesFile(event)) return
    event.preventDefault()
    onFile(event.dataTransfer?.files[0])
  })
}

function describe() {
  const { value } = area
  const characters = plural(value.length, 'character')
  if (value === '') size.textContent = 'No text yet.'
  else if (value.length > LARGE) size.textContent = characters
  else size.textContent = `${count(value.match(/\S+/g)?.length ?? 0)} words, ${characters}`
}
