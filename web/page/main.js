/** The page: puts its parts together. */
import { createChapters } from '../chapters/chapters.js'
import { find } from '../common/dom.js'
import { count, duration, plural } from '../common/format.js'
import { save } from '../common/save.js'
import { Queue } from '../documents/queue.js'
import { createDocumentsTable } from '../documents/table.js'
import { MODELS } from '../engine/models.js'
import { keptModels } from '../store/models.js'
import { Examples } from '../teach/examples.js'
import { createMend } from '../teach/mend.js'
import { createTeach, OWN, taskOf } from '../teach/teach.js'
import { engine, linkedModel, linkedSample } from './ahead.js'
import { watchDrops } from './drops.js'
import { FileReading, isModel, isTable } from './files.js'
import { canBeShared, linkTo, linkWithText, setLink, textFromLink } from './link.js'
import { createMemoryMeter } from './memory-meter.js'
import { showModel } from './model-card.js'
import { openModel } from './model-file.js'
import { keepOffline } from './offline.js'
import { pictureOf } from './picture.js'
import { createResultLine } from './result-line.js'
import { SAMPLES } from './samples.js'
import { createTasks } from './tasks.js'
import { createWorkbench } from './workbench.js'

const part = (/** @type {string} */ selector) => find(document, selector, HTMLElement)

const files = new FileReading()
const examples = new Examples()
const tasks = createTasks(find(document, '#model', HTMLSelectElement), () => void showTask())
const workbench = createWorkbench(part('#workbench'), part('#why'), {
  engine, tasks,
  mend: (task, { label }, text) => (task.id === OWN && examples.labels.length > 0 ? createMend(examples, { text, label, name: '' }) : undefined),
  onSample: (sample) => void tryOut(sample),
  onFiles: (chosen) => void take(chosen),
  onLoaded(classifier, task) {
    memory.show(classifier.memory)
    showModel(part('#about-model'), classifier, task)
    chapters.useModel(task, classifier.config)
  },
  onRead,
  onText: () => setLink({ model: tasks.current().id, sample: workbench.document.sample()?.id })
})
const memory = createMemoryMeter(part('#memory'), (budget) => {
  engine.budget = budget
  memory.clear()
  void workbench.reload()
})
const chapters = createChapters(workbench.document.text)
const resultLine = createResultLine(part('#workbench'), part('#result'))

/** @param {import('./workbench.js').Read | undefined} read */
function onRead(read) {
  const result = read?.results.get(tasks.current().id)
  resultLine.show(result)
  if (read === undefined) return
  const { text, milliseconds } = read
  part('#copy-text-link').hidden = !canBeShared(text)
  if (result === undefined) return
  chapters.documentRead(result.tokens)
  part('#headline').textContent = `${plural(text.match(/\S+/g)?.length ?? 0, 'word')}, read in ${duration(milliseconds)}, in this tab${result.windows > 1 ? `, in ${count(result.windows)} windows` : ''}.`
}

/** A sample is there to be classified by the model that it is for: at once. @param {import('./samples.js').Sample} sample */
async function tryOut(sample) {
  if (tasks.choose(sample.model)) await workbench.reload()
  else await workbench.restart()
}

const documents = createDocumentsTable(part('#documents'), {
  queue: new Queue(engine, tasks, new FileReading()), tasks, examples,
  onOpen(text) {
    workbench.document.setText(text)
    part('#workbench').scrollIntoView()
    void workbench.restart()
  },
  onFiles: (chosen) => documents.add(chosen)
})
const teach = createTeach(part('#teach'), { engine, examples, onTaught: (task) => void answerWith(task), onForgotten: forgotten })

/** Another task's answers, for the document and the table. @param {string} [id] that the picker does not have yet */
async function showTask(id) {
  await workbench.showTask(id)
  documents.refresh()
}

/** A task of one's own is new, or has another file now. @param {import('../engine/models.js').Task} task */
async function answerWith(task) {
  engine.forget(task.id)
  workbench.forget(task.id)
  documents.forget(task.id)
  tasks.add(task)
  await showTask(task.id)
}

async function forgotten() {
  for (const { id } of tasks.own()) {
    engine.forget(id)
    tasks.remove(id)
  }
  await showTask()
}

/**
 * Files that were dropped or chosen: a model is opened, one document goes on the page, many and tables go into the table; on a label
 * they become its examples.
 *
 * @param {File[]} chosen
 * @param {Element | null} [target] where they were dropped
 */
async function take(chosen, target = null) {
  const models = chosen.filter(isModel)
  const rest = chosen.filter((file) => !isModel(file))
  for (const file of models) await takeModel(file)
  if (rest.length === 0) return
  const place = target?.closest('[data-drop]')
  const kind = place?.getAttribute('data-drop')
  if (kind === 'label') await teach.take(rest, place?.getAttribute('data-label') ?? undefined)
  else if (kind === 'examples') await teach.take(rest)
  else if (rest.length > 1 || isTable(rest[0]) || kind === 'documents') {
    documents.add(rest)
    part('#documents').scrollIntoView({ block: 'nearest' })
  } else await open(rest[0])
}

/** @param {File} file */
async function takeModel(file) {
  try {
    await answerWith(await openModel(file))
  } catch (error) {
    workbench.errors.show(error)
  }
}

/** @param {File} file */
async function open(file) {
  await workbench.open(file.name, async (options) => {
    try {
      return await files.read(file, options)
    } finally {
      files.close()
    }
  })
}

/** Models that earlier visits left: they answer from the first reading on. Where the browser keeps nothing, there are none. */
async function restoreModels() {
  const kept = await keptModels().catch(() => {
    examples.dispatchEvent(new Event('unkept'))
    return []
  })
  for (const model of kept) tasks.add(taskOf(model))
  return kept
}

function json() {
  const read = workbench.read()
  const result = read?.results.get(tasks.current().id)
  if (read === undefined || result === undefined) return ''
  const { explanation, ...verdict } = result
  const passages = explanation?.passages.map(({ text, start, end, contributions, contribution }) => ({ text, start, end, contributions, contribution }))
  return JSON.stringify({ model: tasks.current().id, ...verdict, milliseconds: read.milliseconds, bias: explanation?.bias, logits: explanation?.logits, passages }, null, 2)
}

async function savePicture() {
  const read = workbench.read()
  const task = tasks.current()
  const result = read?.results.get(task.id)
  if (read === undefined || result === undefined) return
  const map = find(document, '#minimap canvas', HTMLCanvasElement)
  save(await pictureOf({ task, result, milliseconds: read.milliseconds, map }), 'result.png')
}

/** What is on the page when it opens: the text or the sample of its link, what was typed before a reload, or an example that is read at once. */
async function opening() {
  const shared = await textFromLink()
  if (shared !== undefined) workbench.document.setText(shared)
  else if (linkedSample !== undefined) await workbench.document.setSample(linkedSample)
  else if (workbench.document.text().trim() !== '') workbench.document.setText(workbench.document.text())
  else {
    const first = SAMPLES.find(({ id }) => id === (tasks.current().sample ?? MODELS[0].sample))
    if (first !== undefined) await workbench.document.setSample(first)
  }
  if (workbench.document.text().trim() === '') await workbench.prepare()
  else await workbench.classify()
}

async function start() {
  const models = await restoreModels()
  void teach.restore(models.find(({ id }) => id === OWN))
  tasks.choose(linkedModel)
  part('#about-samples').textContent = SAMPLES.map(({ source }) => source).filter(Boolean).join(' ')
  watchDrops(part('#drop'), (dropped, target) => void take(dropped, target))
  find(document, '#copy-json', HTMLButtonElement).addEventListener('click', () => workbench.result.copy(json(), 'Copied.'))
  find(document, '#copy-link', HTMLButtonElement).addEventListener('click', () => {
    const id = workbench.document.sample()?.id
    void workbench.result.copy(linkTo({ model: tasks.current().id, sample: id }), id === undefined ? 'Copied: the model, not your text.' : 'Copied.')
  })
  find(document, '#copy-text-link', HTMLButtonElement).addEventListener('click', async () => {
    const text = workbench.read()?.text ?? ''
    void workbench.result.copy(await linkWithText({ model: tasks.current().id, text }), 'Copied: the text is in the link.')
  })
  find(document, '#save-picture', HTMLButtonElement).addEventListener('click', () => void savePicture())
  await opening()
  await chapters.mount()
  // After the page is ready: keeping a copy of it is in nobody's way then. Without one the page works all the same.
  await keepOffline(part('#update')).catch(() => {})
}

void start()
