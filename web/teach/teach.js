/** Labels of your own: examples in, a report and a model out. All of it stays on this machine. */
import { element, find } from '../common/dom.js'
import { count, plural } from '../common/format.js'
import { createPause } from '../common/pause.js'
import { TAUGHT_TRUNK } from '../engine/models.js'
import { createErrors } from '../page/errors.js'
import { FileReading } from '../page/files.js'
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
  const stop = button('Cancel', () => work?.abort())
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

  /** Of the work at hand. @type {AbortController | undefined} */
  let work
  /** The fingerprint of the examples that were taught. @type {number | undefined} */
  let taught

  input.addEventListener('change', () => taken(input))
  folder.addEventListener('change', () => taken(folder))
  examples.addEventListener('change', show)
  examples.addEventListener('unkept', () => { kept.textContent = 'This browser keeps nothing for this page: download what you want to have again.' })
  setBusy(false)
  show()

  /** @param {HTMLInputElement} from */
  function taken(from) {
    const files = [...from.files ?? []].filter(({ name }) => !name.startsWith('.'))
    from.value = ''
    if (files.length > 0) void take(files)
  }

  /** Examples from files, of one label or of those that folders and tables name. @param {File[]} files @param {string} [label] */
  async function take(files, label) {
    showProblems([])
    await run(async (signal) => {
      try {
        const { added, problems } = await takeExamples(files, label, { examples, reading, signal, say: progress.say })
        showProblems(problems)
        progress.say(`${plural(added, 'example')} added.`, 1)
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
    start.setAttribute('aria-disabled', String(work !== undefined || why !== ''))
    if (taught !== undefined) stale.textContent = taught === examples.fingerprint() ? '' : 'The examples have changed since: teach again to see what that does.'
    else stale.textContent = examples.size === 0 ? '' : why !== '' ? why : few ? `It can be taught now; ${FEW} examples of each label make it better.` : 'It can be taught now.'
    if (kept.textContent === '' || /^Kept|^Nothing/.test(kept.textContent)) {
      kept.textContent = examples.size === 0 && taught === undefined ? 'Nothing is kept yet.' : 'Kept in this browser, on this machine, until you forget it.'
    }
  }

  async function teach() {
    const why = ready()
    if (work !== undefined) return
    if (why !== '') {
      stale.textContent = why
      return
    }
    await run(async (signal) => {
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
    work?.abort()
    await examples.written()
    await clearAll().catch(() => {})
    taught = undefined
    reportBox.replaceChildren()
    kept.textContent = ''
    examples.clear()
    progress.say('Forgotten.', 0)
    onForgotten()
  }

  /** @param {(signal: AbortSignal) => Promise<void>} job */
  async function run(job) {
    if (work !== undefined) return
    work = new AbortController()
    setBusy(true)
    errors.hide()
    try {
      await job(work.signal)
    } catch (error) {
      progress.say(work.signal.aborted ? 'Cancelled.' : '', 0)
      if (!work.signal.aborted) errors.show(error)
    } finally {
      work = undefined
      setBusy(false)
      show()
    }
  }

  /** @param {boolean} busy */
  function setBusy(busy) {
    stop.setAttribute('aria-disabled', String(!busy))
    start.setAttribute('aria-disabled', String(busy || ready() !== ''))
    for (const each of [chooseTable, chooseFolder]) each.setAttribute('aria-disabled', String(busy))
  }

  /** @param {string[]} all */
  function showProblems(all) {
    problems.hidden = all.length === 0
    const rest = all.length - SHOWN
    problems.replaceChildren(...all.slice(0, SHOWN).map((problem) => element('p', {}, problem)), ...(rest > 0 ? [element('p', {}, `And ${count(rest)} more.`)] : []))
  }

  return {
    take,
    /** What an earlier visit taught. @param {KeptModel} model */
    restore(model) {
      name.value = model.title
      taught = model.lesson?.fingerprint
      showModel(model)
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
