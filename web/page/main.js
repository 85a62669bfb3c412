/** The page: loads the model, classifies the document, and hands each part of the page what it shows. */
import { mountComplexity } from '../chapters/complexity.js'
import { showSharing } from '../chapters/sharing.js'
import { mountSpectrum } from '../chapters/spectrum.js'
import { currentSample, focusText, setSample, text, watchDocument } from './document.js'
import { element, find } from '../common/dom.js'
import { classifierFor, close, isLoaded } from '../engine/engine.js'
import { hideError, showError, showProblem } from './errors.js'
import { fromLink, linkTo, setLink } from './link.js'
import { budget, clearMemory, showMemory, watchBudget } from './memory-meter.js'
import { hideMinimap, showMinimap } from './minimap.js'
import { showModel } from './model-card.js'
import { MODELS } from '../engine/models.js'
import { account, againstAverage, inTextOrder } from './passages.js'
import { showProgress, showStatus } from './progress.js'
import { keepOffline } from './offline.js'
import { choosePassage, hideReader, recolour, showReader } from './reader.js'
import { SAMPLES } from './samples.js'
import { clearVerdict, copy, markStale, showVerdict } from './verdict.js'
import { hideWhy, showWhy } from './why.js'
import { LinformerError } from '../wasm/worker.js'

/** @typedef {import('../wasm/index.js').Result} Result */

const classifyButton = find(document, '#classify', HTMLButtonElement)
const cancelButton = find(document, '#cancel', HTMLButtonElement)
const editButton = find(document, '#edit', HTMLButtonElement)
const modelPicker = find(document, '#model', HTMLSelectElement)
const area = find(document, '#text', HTMLTextAreaElement)

/** Of the work at hand; undefined when there is none. @type {AbortController | undefined} */
let work
/** What is on the page. @type {{ text: string, result: Result, milliseconds: number, model: string } | undefined} */
let shown

const sharing = find(document, '#sharing', HTMLElement)
const spectrum = mountSpectrum(find(document, '#spectrum', HTMLElement), text)
const complexity = mountComplexity(find(document, '#complexity', HTMLElement))

const model = () => MODELS[modelPicker.selectedIndex] ?? MODELS[0]

/** @param {AbortSignal} signal */
async function ready(signal) {
  const classifier = await classifierFor(model(), budget(), { signal, onProgress: showProgress })
  showMemory(classifier.memory)
  showModel(classifier, model())
  showSharing(sharing, classifier.config)
  spectrum.markRank(Math.max(...classifier.config.k))
  return classifier
}

/** @param {AbortSignal} signal */
async function prepare(signal) {
  await ready(signal)
  showStatus('Ready.', 0)
}

/** @param {AbortSignal} signal */
async function classify(signal) {
  const words = text()
  if (words.trim() === '') {
    focusText()
    throw new LinformerError('EMPTY_TEXT', 'the text is empty')
  }
  const classifier = await ready(signal)
  const started = performance.now()
  const result = await classifier.classify(words, { explain: 'passages', signal, onProgress: showProgress })
  const milliseconds = performance.now() - started
  shown = { text: words, result, milliseconds, model: model().id }
  showVerdict(result, { milliseconds, threads: classifier.threads, question: model().about })
  performance.mark('verdict')
  complexity.documentRead(result.tokens)
  await explain(classifier.labels, signal)
  showStatus('Done.', 1)
}

/**
 * The coloured document, its map and the sum, for the winning label first.
 *
 * @param {readonly string[]} labels
 * @param {AbortSignal} signal
 */
async function explain(labels, signal) {
  if (shown?.result.explanation === undefined) return
  const { text, result: { explanation, label } } = shown
  const passages = inTextOrder(explanation.passages)
  const first = account(passages, explanation, labels, labels.indexOf(label))
  area.hidden = true
  editButton.hidden = false
  await showReader(text, first, labels, signal)
  const onPassage = (/** @type {number} */ passage) => {
    choosePassage(passage, true)
    find(document, '#drop', HTMLElement).scrollIntoView({ block: 'nearest' })
  }
  const onChange = async (/** @type {number} */ chosen, /** @type {boolean} */ relative) => {
    const focused = document.activeElement?.id
    const exact = account(passages, explanation, labels, chosen)
    const next = relative ? againstAverage(exact) : exact
    showMinimap(text, next)
    showWhy(exact, next, { labels, onChange, onPassage })
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
    await recolour(next, new AbortController().signal)
  }
  showMinimap(text, first)
  showWhy(first, first, { labels, onChange, onPassage })
}

/** The text instead of its coloured form. */
function edit() {
  hideReader()
  hideMinimap()
  editButton.hidden = true
  area.hidden = false
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
    if (code === 'ENGINE' || code === 'WORKER_FAILED') close()
    if (work.signal.aborted) {
      showStatus('Cancelled.', 0)
    } else {
      showStatus('', 0)
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

/** Resolves when no work is under way. */
async function free() {
  while (work !== undefined) await new Promise((resolve) => setTimeout(resolve, 10))
}

/**
 * A sample is there to be classified by the model that it is for: at once, or when that is there.
 * @param {import('./samples.js').Sample} sample
 */
async function tryOut(sample) {
  const wanted = MODELS.findIndex(({ id }) => id === sample.model)
  if (wanted !== modelPicker.selectedIndex) {
    modelPicker.selectedIndex = wanted
    await reload()
    return
  }
  if (isLoaded()) work?.abort()
  await free()
  await run(classify)
}

/** Another model or budget: what is on the page was not made with it. */
async function reload() {
  work?.abort()
  await free()
  close()
  clearMemory()
  clearVerdict()
  hideWhy()
  edit()
  shown = undefined
  link()
  await run(text().trim() === '' ? prepare : classify)
}

const link = () => setLink({ model: model().id, sample: currentSample()?.id })

function changed() {
  hideError()
  if (!area.hidden || shown?.text !== text()) edit()
  link()
  if (work !== undefined) return
  if (shown === undefined) {
    showStatus(isLoaded() ? 'Ready.' : '', 0)
    return
  }
  const stale = text() !== shown.text
  markStale(stale)
  showStatus(stale ? 'The text has changed: the verdict is of the one before.' : 'Done.', stale ? 0 : 1)
}

function json() {
  if (shown === undefined) return ''
  const { result: { explanation, ...verdict }, milliseconds, model } = shown
  const passages = explanation?.passages.map(({ text, start, end, contributions, contribution }) => ({ text, start, end, contributions, contribution }))
  return JSON.stringify({ model, ...verdict, milliseconds, bias: explanation?.bias, logits: explanation?.logits, passages }, null, 2)
}

async function start() {
  modelPicker.append(...MODELS.map(({ id, title }) => element('option', { value: id }, title)))
  const sample = SAMPLES.find(({ id }) => id === fromLink('sample'))
  const wanted = fromLink('model') ?? sample?.model
  modelPicker.selectedIndex = Math.max(0, MODELS.findIndex(({ id }) => id === wanted))
  watchBudget(() => void reload())
  watchDocument({ onChange: changed, onSample: (sample) => void tryOut(sample), onProblem: showProblem, onProgress: showStatus })
  modelPicker.addEventListener('change', () => void reload())
  classifyButton.addEventListener('click', () => run(classify))
  cancelButton.addEventListener('click', () => work?.abort())
  editButton.addEventListener('click', () => {
    edit()
    focusText()
  })
  find(document, '#copy-json', HTMLButtonElement).addEventListener('click', () => copy(json(), 'Copied.'))
  find(document, '#copy-link', HTMLButtonElement).addEventListener('click', () => {
    const sample = currentSample()?.id
    void copy(linkTo({ model: model().id, sample }), sample === undefined ? 'Copied: the model, not your text.' : 'Copied.')
  })
  addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void run(classify)
  })
  if (sample !== undefined) await setSample(sample)
  await run(sample === undefined ? prepare : classify)
  // After the page is ready: keeping a copy of it is in nobody's way then. Without one the page works all the same.
  await keepOffline().catch(() => {})
}

void start()
