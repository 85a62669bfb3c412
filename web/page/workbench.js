/**
 * The workbench: one document, its answers and its reasons. It does one thing at a time, which can be cancelled.
 */
import { find } from '../common/dom.js'
import { count } from '../common/format.js'
import { createPause } from '../common/pause.js'
import { LinformerError } from '../wasm/worker.js'
import { createDocument } from './document.js'
import { createErrors } from './errors.js'
import { createHowFar } from './how-far.js'
import { createJobs } from './jobs.js'
import { createMinimap } from './minimap.js'
import { account, againstAverage, clausesOf, inTextOrder } from './passages.js'
import { createProgress } from './progress.js'
import { createReader } from './reader.js'
import { createResult } from './result.js'
import { createStrikes } from './strikes.js'
import { createWhy } from './why.js'

/**
 * @typedef {import('../wasm/index.js').Classifier} Classifier
 * @typedef {import('../wasm/index.js').Result} Result
 * @typedef {import('../engine/models.js').Task} Task
 * @typedef {import('./samples.js').Sample} Sample
 *
 * @typedef {object} Read what is on the page
 * @property {string} text
 * @property {Map<string, Result>} results by task
 * @property {number} milliseconds
 * @property {number} threads
 *
 * @typedef {object} Surroundings
 * @property {import('../engine/engine.js').Engine} engine
 * @property {ReturnType<typeof import('./tasks.js').createTasks>} tasks
 * @property {(task: Task, result: Result, text: string) => HTMLElement | undefined} mend where a label can be corrected, for tasks that learn from it
 * @property {(sample: Sample) => void} onSample one was taken, for a task of its own perhaps
 * @property {(files: File[]) => void} onFiles some were chosen
 * @property {(classifier: Classifier, task: Task) => void} onLoaded a model is there
 * @property {(read: Read | undefined) => void} onRead a document was read and is shown, or none is any more
 * @property {() => void} onText the text is another one now
 */

/**
 * @param {HTMLElement} section
 * @param {HTMLElement} chapter for the reasons
 * @param {Surroundings} surroundings
 */
export function createWorkbench(section, chapter, { engine, tasks, mend, onSample, onFiles, onLoaded, onRead, onText }) {
  const sheet = find(section, '.sheet', HTMLElement)
  const page = find(section, '#drop', HTMLElement)
  const classifyButton = find(section, '#classify', HTMLButtonElement)
  const cancelButton = find(section, '#cancel', HTMLButtonElement)
  const editButton = find(section, '#edit', HTMLButtonElement)
  const readerBox = find(section, '#reader', HTMLElement)

  const errors = createErrors(find(section, '#error', HTMLElement))
  const progress = createProgress(find(sheet, '.progress', HTMLElement))
  const doc = createDocument(sheet, { onTyped: typed, onSet: arrived, onSample, onFiles, onProblem: errors.problem })
  const reader = createReader(readerBox, find(section, '#reading', HTMLElement), {
    onChosen: (passage) => strikes.offer(passage), onStrike: (passage) => void strikes.strike(passage)
  })
  const minimap = createMinimap(find(section, '#minimap', HTMLElement), readerBox, reader, (offset) => howFar.moved(offset))
  const result = createResult(find(section, '#result', HTMLElement), { onTask: (id) => void showTask(id), onClause: showClause })
  const why = createWhy(chapter, { onChange: (label, relative) => recolour(label, relative), onPassage: show, onClause: showClause, onRemoval: () => void jobs.run(remove) })
  const howFar = createHowFar(find(section, '#how-far', HTMLElement), { read: readPart, onOffset: (offset) => minimap.setCut(offset) })

  const jobs = createJobs({
    engine, errors, progress,
    onBusy(busy) {
      // Not `disabled`, which would take the focus away from the button just pressed.
      classifyButton.setAttribute('aria-disabled', String(busy))
      cancelButton.setAttribute('aria-disabled', String(!busy))
    }
  })
  const strikes = createStrikes(section, {
    reader, jobs, progress,
    whole() {
      const answer = resultOf(tasks.current())
      if (shown === undefined || reasons === undefined || answer === undefined) return undefined
      return { text: shown.text, result: answer, passages: reasons.account.passages }
    },
    read: (text, signal) => readAgain(text, { signal, onProgress: progress.show })
  })
  /** @type {Read | undefined} */
  let shown
  /** The reasons on the page. @type {import('./why.js').Shown | undefined} */
  let reasons
  let recolouring = new AbortController()
  /** Whether the document is on the page whole and coloured: neither its beginning alone, nor the text to be edited. */
  let coloured = false

  const resultOf = (/** @type {Task} */ task) => shown?.results.get(task.id)

  /** @param {AbortSignal} signal */
  async function ready(signal) {
    const task = tasks.current()
    const classifier = await engine.answering(task, { signal, onProgress: progress.show })
    onLoaded(classifier, task)
    return classifier
  }

  /** @param {AbortSignal} signal */
  async function prepare(signal) {
    edit()
    await ready(signal)
    progress.say('Ready.', 0)
  }

  /** @param {AbortSignal} signal */
  async function classify(signal) {
    const text = doc.text()
    try {
      if (text.trim() === '') throw new LinformerError('EMPTY_TEXT', 'the text is empty')
      const { threads } = await ready(signal)
      const task = tasks.current()
      const started = performance.now()
      const results = await engine.read(task, tasks.all(), text, { explain: 'passages', signal, onProgress: progress.show })
      shown = { text, results, milliseconds: performance.now() - started, threads }
      performance.mark('verdict')
      await showAll(signal)
    } catch (error) {
      // Of a text that just came only the beginning is to be seen.
      if (!coloured && doc.text() === text) edit()
      if (text.trim() === '') doc.focus()
      throw error
    }
  }

  /** What was read, for the task at hand. @param {AbortSignal} signal */
  async function showAll(signal) {
    const task = tasks.current()
    const answer = resultOf(task)
    if (shown === undefined || answer === undefined) return
    const others = tasks.all().flatMap((other) => {
      const found = resultOf(other)
      return other === task || found === undefined ? [] : [{ task: other, result: found }]
    })
    const pause = createPause(signal)
    strikes.clear()
    result.show(task, answer, shown, others, mend(task, answer, shown.text))
    arrive()
    await pause()
    onRead(shown)
    if (doc.text() !== shown.text) {
      sayStale()
      return
    }
    await pause()
    if (doc.isFocused()) readerBox.focus({ preventScroll: true })
    doc.setEditing(false)
    editButton.hidden = false
    const classifier = await engine.answering(task, { signal, onProgress: progress.show })
    const { labels, config, labelsKind } = classifier
    const first = labels.indexOf(answer.found?.[0]?.label ?? answer.label)
    reasons = undefined
    await explain(first, config.pooling !== 'window-max', signal, labels, labelsKind)
    await pause()
    howFar.show(shown.text, answer)
    progress.say('Done.', 1)
  }

  /** The page is past its opening, in which it keeps room for the first result. */
  const arrive = () => section.classList.remove('opening')

  /**
   * The coloured document, its map and the sum, for one label.
   *
   * @param {number} label
   * @param {boolean} relative
   * @param {AbortSignal} signal
   * @param {readonly string[]} [labels]
   * @param {'one' | 'many'} [kind]
   */
  async function explain(label, relative, signal, labels = reasons?.labels ?? [], kind = reasons?.kind ?? 'one') {
    const answer = resultOf(tasks.current())
    if (shown === undefined || answer?.explanation === undefined) return
    const again = reasons !== undefined
    const passages = inTextOrder(answer.explanation.passages)
    const exact = account(passages, answer.explanation, labels, label, kind === 'many')
    const colours = relative ? againstAverage(exact) : exact
    const clauses = clausesOf(answer.found ?? [], passages, labels)
    const explained = kind === 'many' ? labels[label] : answer.label
    reasons = { exact, account: colours, labels, kind, clauses, result: explained, score: answer.scores.find((each) => each.label === explained)?.score ?? answer.score }
    const focused = document.activeElement?.id
    const { text } = shown
    const mine = reasons
    const pause = createPause(signal)
    await pause()
    if (!again || coloured) minimap.show(text, colours, clauses)
    await pause()
    why.show(mine)
    if (again && focused) document.getElementById(focused)?.focus({ preventScroll: true })
    await pause()
    if (again && !coloured) return
    legend(labels[label] ?? '', relative)
    if (again) await reader.recolour(colours, labels, clauses, signal)
    else {
      coloured = false
      await reader.show(text, colours, labels, clauses, signal)
      coloured = true
    }
  }

  /** @param {string} label @param {boolean} relative */
  function legend(label, relative) {
    const box = find(sheet, '.legend', HTMLElement)
    const [less, more] = relative ? ['less than its share', 'more than its share'] : ['against', 'for']
    find(box, '.less', HTMLElement).textContent = less
    find(box, '.more', HTMLElement).textContent = `${more}: ${label}`
    box.hidden = false
  }

  /** Another label or other colours; a choice that comes before the colours are all there ends them. @param {number} label @param {boolean} relative */
  function recolour(label, relative) {
    recolouring.abort()
    const { signal } = recolouring = new AbortController()
    explain(label, relative, signal).catch((error) => {
      if (!signal.aborted) errors.show(error)
    })
  }

  /** @param {number} passage */
  function show(passage) {
    reader.choose(passage, true)
    page.scrollIntoView({ block: 'nearest' })
  }

  /** Where a label was found, and why. @param {string} label */
  function showClause(label) {
    const clause = reasons?.clauses.find((each) => each.label === label)
    if (reasons === undefined || clause === undefined) return
    if (reasons.account.label !== label) recolour(reasons.labels.indexOf(label), reasons.account.relative)
    show(clause.passage)
  }

  /** @param {string} text @param {AbortSignal} signal */
  async function readPart(text, signal) {
    return jobs.isBusy() ? undefined : readAgain(text, { signal, onProgress: () => {} })
  }

  /** What the task at hand says of a part of the document. @param {string} text @param {Parameters<typeof engine.read>[3]} options */
  async function readAgain(text, options) {
    const task = tasks.current()
    return (await engine.read(task, [], text, options)).get(task.id)
  }

  /** What changes without each of the strongest passages. @param {AbortSignal} signal */
  async function remove(signal) {
    if (shown === undefined || reasons === undefined) return
    const asked = reasons
    const head = await engine.answering(tasks.current(), { signal, onProgress: progress.show })
    why.sayRemoval('Being read without each of them…')
    const answer = await head.classify(shown.text, {
      explain: 'removal', signal,
      onProgress(event) {
        progress.show(event)
        if (event.phase === 'removal' && event.total !== undefined) why.sayRemoval(`Read without ${count(event.done)} of ${count(event.total)} passages.`)
      }
    }).finally(() => why.sayRemoval(''))
    if (answer.explanation !== undefined && reasons === asked) why.showRemoval(inTextOrder(answer.explanation.passages), asked)
    progress.say('Done.', 1)
  }

  /** The text instead of its coloured form. */
  function edit() {
    arrive()
    coloured = false
    reader.hide()
    minimap.hide()
    howFar.hide()
    strikes.clear()
    find(sheet, '.legend', HTMLElement).hidden = true
    editButton.hidden = true
    doc.setEditing(true)
  }

  /** The beginning of a text that will be read: it costs the same however long the text is. */
  function showBeginning() {
    if (!section.classList.contains('opening')) edit()
    doc.setEditing(false)
    reader.preview(doc.text())
    minimap.blank()
  }

  /** Another text is there, and will be read. */
  function arrived() {
    errors.hide()
    onText()
    result.markStale(shown !== undefined && shown.text !== doc.text())
    progress.say('Starting…', 0)
    showBeginning()
  }

  function typed() {
    errors.hide()
    onText()
    if (jobs.isBusy()) return
    if (shown === undefined) {
      progress.say('', 0)
      return
    }
    sayStale()
  }

  /** Whether the result is of the text on the page. */
  function sayStale() {
    const stale = doc.text() !== shown?.text
    result.markStale(stale)
    progress.say(stale ? 'The text has changed: the result is of the one before.' : 'Done.', stale ? 0 : 1)
  }

  /** Another task's answer: from the same reading, if it has it. @param {string} [id] that the picker does not have yet */
  async function showTask(id) {
    if (id !== undefined) tasks.choose(id)
    onText()
    if (shown !== undefined && shown.text === doc.text() && resultOf(tasks.current()) !== undefined && !jobs.isBusy()) {
      await jobs.run(async (signal) => {
        await ready(signal)
        await showAll(signal)
      })
      return
    }
    await reload()
  }

  /** What is on the page was not made with the model at hand, or with its memory. */
  async function reload() {
    await jobs.replace(async (signal) => {
      const blank = doc.text().trim() === ''
      result.clear()
      why.hide()
      if (!blank) showBeginning()
      shown = undefined
      onRead(undefined)
      onText()
      await (blank ? prepare(signal) : classify(signal))
    })
  }

  classifyButton.addEventListener('click', () => void jobs.run(classify))
  cancelButton.addEventListener('click', jobs.cancel)
  editButton.addEventListener('click', () => {
    edit()
    doc.focus()
  })
  addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void jobs.run(classify)
  })

  return {
    document: doc,
    errors,
    progress,
    result,
    /** What is on the page. */
    read: () => shown,
    prepare: () => jobs.run(prepare),
    classify: () => jobs.run(classify),
    /**
     * Has a document read, from a file for example, and classifies it.
     *
     * @param {string} name
     * @param {(options: { signal: AbortSignal, onProgress: (share: number) => void }) => Promise<{ text: string, notes: string[] }>} read
     *   throws an Error with words for the visitor
     */
    open: (name, read) => jobs.replace(async (signal) => {
      progress.say(`Reading ${name}`, 0)
      let found
      try {
        found = await read({ signal, onProgress: (share) => progress.say(`Reading ${name}`, share) })
      } catch (error) {
        signal.throwIfAborted()
        progress.say('', 0)
        errors.problem(error instanceof Error ? error.message : String(error))
        return
      }
      doc.setText(found.text)
      await classify(signal)
      if (found.notes.length > 0) errors.problem(`${name}: ${found.notes.join('; ')}. The rest was read.`)
    }),
    /** Ends what is under way, and classifies. */
    restart: () => jobs.replace(classify),
    showTask,
    reload,
    /** A task's answer is no longer right. @param {string} task */
    forget(task) { shown?.results.delete(task) }
  }
}
