/** The page: loads the model, classifies the document, and hands each part of the page what it shows. */
import { LinformerError, load } from '../wasm/index.js'
import { focusText, text, watchDocument } from './document.js'
import { byId } from './dom.js'
import { hideError, showError, showProblem } from './errors.js'
import { hideExplanation, showExplanation } from './explanation.js'
import { showMemory } from './memory-meter.js'
import { showModel } from './model-card.js'
import { showProgress, showStatus } from './progress.js'
import { clearResult, showResult } from './result.js'

/** @typedef {import('../wasm/index.js').Classifier} Classifier */

// `?model=` names another model file of the same server; the page's policy allows no other.
const MODEL = new URL(new URLSearchParams(location.search).get('model') ?? '../models/imdb.safetensors', import.meta.url)

/** Characters up to which a document is explained: beyond it the coloured text is too large to be of use. */
const EXPLAINED = 200_000

const classifyButton = byId('classify', HTMLButtonElement)
const cancelButton = byId('cancel', HTMLButtonElement)

/** @type {Classifier | undefined} */
let classifier
/** Of the work at hand; undefined when there is none. @type {AbortController | undefined} */
let work

/** @param {AbortSignal} signal */
async function ready(signal) {
  if (classifier !== undefined) return classifier
  classifier = await load(MODEL, { signal, onProgress: showProgress })
  showMemory(classifier.memory)
  showModel(classifier)
  return classifier
}

/** @param {AbortSignal} signal */
async function prepare(signal) {
  await ready(signal)
  showStatus('Ready.', 0)
}

/** @param {AbortSignal} signal */
async function classify(signal) {
  const document = text()
  if (document.trim() === '') {
    focusText()
    throw new LinformerError('EMPTY_TEXT', 'the text is empty')
  }
  const classifier = await ready(signal)
  const explain = document.length <= EXPLAINED
  const started = performance.now()
  const result = await classifier.classify(document, { explain, signal, onProgress: showProgress })
  showResult(result, performance.now() - started)
  if (explain) showExplanation(result, document, classifier.labels)
  else hideExplanation(`Documents of up to ${EXPLAINED.toLocaleString('en')} characters are explained; this one is longer.`)
  showStatus('Done.', 1)
  watchStale(document)
}

/**
 * Does one thing at a time, with the buttons, the progress and the errors that go with it.
 * @param {(signal: AbortSignal) => Promise<void>} job
 */
async function run(job) {
  if (work !== undefined) return
  work = new AbortController()
  setBusy(true)
  hideError()
  try {
    await job(work.signal)
  } catch (error) {
    const code = error instanceof LinformerError ? error.code : undefined
    if (code === 'ENGINE') {
      classifier?.dispose()
      classifier = undefined
    }
    if (code === 'ABORTED') {
      showStatus('Cancelled.', 0)
    } else {
      showStatus(classifier === undefined ? 'No model.' : 'Ready.', 0)
      showError(error)
    }
  } finally {
    work = undefined
    setBusy(false)
  }
}

/** Not `disabled`, which would take the focus away from the button just pressed. @param {boolean} busy */
function setBusy(busy) {
  classifyButton.setAttribute('aria-disabled', String(busy))
  cancelButton.setAttribute('aria-disabled', String(!busy))
}

/** @type {string | undefined} */
let shown

/** @param {string} document that the result on the page belongs to */
function watchStale(document) {
  shown = document
  if (text() !== shown) changed()
}

function changed() {
  hideError()
  if (work === undefined && shown !== undefined) {
    showStatus(text() === shown ? 'Done.' : 'The text has changed: the result is of the one before.', text() === shown ? 1 : 0)
  }
}

classifyButton.addEventListener('click', () => run(classify))
cancelButton.addEventListener('click', () => work?.abort())
addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void run(classify)
})
watchDocument(showProblem, changed)
clearResult()
void run(prepare)
