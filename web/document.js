/** The document: typed, pasted, dropped, opened from a file, or one of the samples. */
import { byId } from './dom.js'
import { bytes, plural } from './format.js'
import { SAMPLES } from './samples.js'

const FILE_LIMIT = 16 * 2 ** 20 // bytes; a text area with more than this stops answering to the keyboard
const LARGE = 1e5 // characters from which a count of the words is no longer made at every key

const area = byId('text', HTMLTextAreaElement)
const size = byId('text-size', HTMLElement)
const file = byId('file', HTMLInputElement)

export const text = () => area.value
export const focusText = () => area.focus()

/**
 * @param {(problem: string) => void} onProblem told in words when a file cannot be used
 * @param {() => void} onChange the text is another one now
 */
export function watchDocument(onProblem, onChange) {
  const changed = () => {
    describe()
    onChange()
  }
  /** @param {string} value */
  const put = (value) => {
    area.value = value
    area.scrollTop = 0
    changed()
  }
  /** @param {File | undefined} chosen */
  const read = async (chosen) => {
    if (chosen === undefined) return
    try {
      put(await readText(chosen))
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error))
    }
  }

  area.addEventListener('input', changed)
  byId('open', HTMLButtonElement).addEventListener('click', () => file.click())
  file.addEventListener('change', async () => {
    await read(file.files?.[0])
    file.value = '' // so that the same file can be chosen again after an edit
  })
  for (const button of document.querySelectorAll('button[data-sample]')) {
    const { text } = SAMPLES[/** @type {keyof typeof SAMPLES} */ (button.getAttribute('data-sample'))]
    button.addEventListener('click', () => put(text))
  }
  watchDrops((dropped) => void read(dropped))
  describe() // a browser may have kept the text from before a reload
}

/** @param {(file: File | undefined) => void} onFile */
function watchDrops(onFile) {
  const zone = area.parentElement ?? area
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

/**
 * The file's text, or an error that says why it cannot be had.
 * @param {File} chosen
 */
async function readText(chosen) {
  if (chosen.size > FILE_LIMIT) {
    throw new Error(`${chosen.name} has ${bytes(chosen.size)}; this page takes files of up to ${bytes(FILE_LIMIT)}.`)
  }
  let content
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(await chosen.arrayBuffer())
  } catch (error) {
    throw new Error(error instanceof TypeError
      ? `${chosen.name} is not UTF-8 text. Save it as plain text (UTF-8) and open it again.`
      : `${chosen.name} could not be read. Choose the file again.`, { cause: error })
  }
  if (content.includes('\0')) throw new Error(`${chosen.name} is not a text file. Choose a .txt or .md file.`)
  return content
}

function describe() {
  const { value } = area
  const characters = plural(value.length, 'character')
  if (value === '') size.textContent = 'No text yet.'
  else if (value.length > LARGE) size.textContent = `${characters}.`
  else size.textContent = `${characters}, ${plural(value.match(/\S+/g)?.length ?? 0, 'word')}.`
}
