/** Labels of your own: examples in, a report and a model out. All of it stays on this machine. */
import { element, find } from '../common/dom.js'
import { count, plural } from '../common/format.js'
import { createPause } from '../common/pause.js'
import { TAUGHT_TRUNK } from '../engine/models.js'
import { createErrors } from '../page/errors.js'
import { FileReading } from '../page/files.js'
import { createJobs } from '../page/jobs.js'
import { createProgress } from '../page/progress.js'
import { clearAll } from '../store/database.js'
import { keepModel } from '../store/models.js'
import { createExamplesTable } from './examples-table.js'
import { FEW, FEWEST_LABELS } from './examples.js'
import { takeExamples } from './intake.js'
import { createLabels } from './labels.js'
import { createReport } from './report.js'
import { createUse } from './use.js'

/**
 * @typedef {import('../engine/models.js').Task} Task
 * @typedef {import('../store/models.js').KeptModel} KeptModel
 */

/** The task of what was taught here. */
export const OWN = 'own'
const SHOWN = 5 // problems

/** @param {KeptModel} model @returns {Task} */
export const taskOf = ({ id, title, about, trunk, file }) => ({ id, title, about, trunk, file })

/**
 * @param {HTMLElement} section
 * @param {object} surroundings
 * @param {import('../engine/engine.js').Engine} surroundings.engine
 * @param {import('./examples.js').Examples} surroundings.examples
 * @param {(task: Task) => void} surroundings.onTaught there is a model, or another one
 * @param {() => void} surroundings.onForgotten all that was kept is gone
 */
export function createTeach(section, { engine, examples, onTaught, onForgotten }) {
  const body = find(section, '.teach-body', HTMLElement)
  const reading = new FileReading()

  const input = fileInput({ accept: '.csv,.tsv,.jsonl,.ndjson,text/csv' })
  const folder = fileInput({ webkitdirectory: '' })
  const chooseTable = button('A table (CSV, JSONL)…', () => input.click())
  const chooseFolder = button('A folder for each label…', () => folder.click())
  const problems = element('div', { class: 'notice', role: 'alert' })
  problems.hidden = true
  const name = element('input', { type: 'text', id: 'model-name', maxlength: '60', autocomplete: 'off' })
  name.value = 'my-labels'
  const start = button('Teach', () => void teach())
  start.className = 'primary'
  start.id = 'teach-start'
  const stop = button('Cancel', () => jobs.cancel())
  const progressBox = element('div', { class: 'progress' }, element('progress', { max: '1', value: '0', 'aria-label': 'Progress of teaching' }),
    element('p', {}, element('span', { class: 'status', role: 'status' }), ' ', element('span', { class: 'figures', 'aria-hidden': 'true' })))
  const errorBox = element('div', { class: 'notice', role: 'alert' })
  errorBox.hidden = true
  const stale = element('p', { class: 'soft' })
  const reportBox = element('div')
  const forget = button('Forget everything', () => void forgetAll())
  forget.className = 'quiet small'
  const kept = element('p', { class: 'soft note' })

  const errors = createErrors(errorBox)
  const progress = createProgress(progressBox)
  const labels = createLabels(examples, { onFiles: (files, label) => void take(files, label), onProblem: (problem) => showProblems([problem]) })

  body.append(labels,
    element('div', { class: 'actions sources' }, element('span', { class: 'soft' }, 'or take many at once:'), chooseTable, chooseFolder, input, folder),
    problems, createExamplesTable(examples),
    element('div', { class: 'actions teach-actions' }, element('label', { class: 'picker', for: 'model-name' }, element('span', {}, 'Name'), ' ', name), start, stop, progressBox),
    errorBox, stale, reportBox, element('div', { class: 'kept' }, kept, forget))

  const jobs = createJobs({ engine, errors, progress, onBusy: setBusy })
  /** Whether the browser keeps nothing. */
  let isRefused = false
  /** Problems that are shown. @type {string[]} */
  let said = []
  /** The fingerprint of the examples that were taught. @type {number | undefined} */
  let taught

  input.addEventListener('change', () => taken(input))
  folder.addEventListener('change', () => taken(folder))
  examples.addEventListener('change', show)
  examples.addEventListener('kept', showKept)
  examples.addEventListener('unkept', () => {
    isRefused = true
    showKept()
  })
  // Until the examples of earlier visits are there: what came before them would be mistaken for all there is.
  body.inert = true
  setBusy(true)

  /** @param {HTMLInputElement} from */
  function taken(from) {
    const files = [...from.files ?? []].filter(({ name }) => !name.startsWith('.'))
    from.value = ''
    if (files.length > 0) void take(files)
  }

  /** Examples from files, of one label or of those that folders and tables name. @param {File[]} files @param {string} [label] */
  async function take(files, label) {
    // More files may come while others are read: they have their turn, and what was said of those before stays.
    if (!jobs.isBusy()) showProblems([])
    await jobs.runNext(async (signal) => {
      try {
        const taken = await takeExamples(files, label, { examples, reading, signal, say: progress.say })
        showProblems([...said, ...taken.problems])
        progress.say(`${plural(taken.added, 'example')} added.`, 1)
      } finally {
        reading.close()
      }
    })
  }

  function ready() {
    const counts = [...examples.counts().values()].filter((n) => n > 0)
    if (counts.length < FEWEST_LABELS) return `At least ${FEWEST_LABELS} labels need examples.`
    if (counts.some((n) => n < 2)) return 'Each label needs at least 2 examples.'
    return ''
  }

  function show() {
    const why = ready()
    const few = [...examples.counts().values()].some((n) => n < FEW)
    start.setAttribute('aria-disabled', String(jobs.isBusy() || why !== ''))
    if (taught !== undefined) stale.textContent = taught === examples.fingerprint() ? '' : 'The examples have changed since: teach again to see what that does.'
    else stale.textContent = examples.size === 0 ? '' : why !== '' ? why : few ? `It can be taught now; ${FEW} examples of each label make it better.` : 'It can be taught now.'
    showKept()
  }

  function showKept() {
    if (isRefused) kept.textContent = 'This browser keeps nothing for this page: download what you want to have again.'
    else if (!examples.isKept) kept.textContent = 'Being kept…'
    else kept.textContent = examples.size === 0 && taught === undefined ? 'Nothing is kept yet.' : 'Kept in this browser, on this machine, until you forget it.'
  }

  async function teach() {
    const why = ready()
    if (jobs.isBusy()) return
    if (why !== '') {
      stale.textContent = why
      return
    }
    await jobs.run(async (signal) => {
      const fingerprint = examples.fingerprint()
      const list = examples.list()
      const ids = list.map(({ id }) => id)
      const title = name.value.trim() || 'my-labels'
      const trunk = await engine.trunk(TAUGHT_TRUNK, { signal, onProgress: progress.show })
      const { head, report } = await trunk.teach(oneByOne(list, signal), {
        name: title, signal,
        onProgress(event) {
          progress.show(event.phase === 'examples' ? { ...event, total: list.length } : event)
        }
      })
      taught = fingerprint
      /** @type {KeptModel} */
      const model = { id: OWN, title, about: 'Which of your labels is this?', trunk: TAUGHT_TRUNK, file: head, lesson: { report, ids, fingerprint } }
      showModel(model)
      onTaught(taskOf(model))
      progress.say(`Taught by ${plural(report.examples, 'example')}.`, 1)
      await keepModel(model).catch(() => examples.dispatchEvent(new Event('unkept')))
    })
  }

  /** @param {KeptModel} model */
  function showModel({ title, file, lesson }) {
    if (lesson === undefined) return
    const complete = async () => {
      const trunk = await engine.trunk(TAUGHT_TRUNK, { signal: new AbortController().signal, onProgress: progress.show })
      const whole = await trunk.export(file)
      progress.say('', 0)
      return whole
    }
    reportBox.replaceChildren(element('h3', {}, 'How good it is'), createReport(lesson.report, lesson.ids, examples),
      element('h3', {}, 'Use it'), createUse({ name: title, head: file, complete }, errors.show))
    show()
  }

  async function forgetAll() {
    if (!confirm('Forget all examples, labels and models that this page keeps?')) return
    jobs.cancel()
    await examples.written()
    await clearAll().catch(() => {})
    taught = undefined
    reportBox.replaceChildren()
    isRefused = false
    examples.clear()
    progress.say('Forgotten.', 0)
    onForgotten()
  }

  /** @param {boolean} busy */
  function setBusy(busy) {
    body.ariaBusy = String(busy)
    stop.setAttribute('aria-disabled', String(!busy))
    for (const each of [chooseTable, chooseFolder]) each.setAttribute('aria-disabled', String(busy))
    show()
  }

  /** @param {string[]} all */
  function showProblems(all) {
    said = all
    problems.hidden = all.length === 0
    const rest = all.length - SHOWN
    problems.replaceChildren(...all.slice(0, SHOWN).map((problem) => element('p', {}, problem)), ...(rest > 0 ? [element('p', {}, `And ${count(rest)} more.`)] : []))
  }

  return {
    take,
    /** What earlier visits left: examples, and the model that they taught. @param {KeptModel} [model] */
    async restore(model) {
      await jobs.run(async () => {
        await examples.restore().catch(() => examples.dispatchEvent(new Event('unkept')))
        if (model === undefined) return
        name.value = model.title
        taught = model.lesson?.fingerprint
        showModel(model)
      })
      body.inert = false
    }
  }
}

/** @param {Record<string, string>} attributes */
function fileInput(attributes) {
  const made = element('input', { type: 'file', multiple: '', 'aria-label': 'Examples', ...attributes })
  made.hidden = true
  return made
}

/** @param {string} words @param {() => void} onClick */
function button(words, onClick) {
  const made = element('button', { type: 'button' }, words)
  made.addEventListener('click', () => {
    if (made.getAttribute('aria-disabled') !== 'true') onClick()
  })
  return made
}

/**
 * One after another, so that no task of the page has them all to copy.
 *
 * @param {readonly import('./examples.js').Example[]} list
 * @param {AbortSignal} signal
 */
async function* oneByOne(list, signal) {
  const pause = createPause(signal)
  for (const { text, label } of list) {
    yield { text, label }
    await pause()
  }
}
