/**
 * Shows what a text is, by a model that is in the extension or by the user's own labels, and learns these.
 */
import { load, lowTypicality } from './linformer-wasm/wasm/cdn/worker.js'
import { canTeach, count, examples, forget, remember, taught, teach } from './labels.js'

const OWN = 'own'
const MOST_PASSAGES = 5

const $ = (id) => document.getElementById(id)
const say = (words) => { $('status').textContent = words }
const percent = (score) => `${(100 * score).toFixed(0)}%`
const item = (...children) => {
  const element = document.createElement('li')
  element.append(...children)
  return element
}

let text = ''
/** Shipped heads that were built in, each a question. @type {{ name: string, title: string }[]} */
let heads = []
let trunk

const main = document.querySelector('main')
let unfinished = 0
let last = Promise.resolve()
/**
 * Does one piece of work after the other, in the order in which they were asked for. The page says that it is busy
 * from the first call until the last piece has ended, however it ends.
 */
function queue(piece) {
  unfinished++
  main.ariaBusy = 'true'
  last = last.then(piece).catch((error) => say(`That did not work: ${error.message}`)).finally(() => {
    if (--unfinished === 0) main.ariaBusy = 'false'
  })
}

async function open() {
  const id = location.search.slice(1)
  const { [id]: opened } = await chrome.storage.session.get(id)
  text = opened?.text ?? ''
  document.querySelector('h1').textContent = opened?.title || 'A text'
  $('about').textContent = `${text.length.toLocaleString()} characters. All is done on this machine; the extension may make no request.`
  heads = await (await fetch('heads.json')).json()
  trunk = await load('general')
  await showExamples()
  await fillJudges((await taught()) ? OWN : undefined)
  await judge()
}

async function showExamples() {
  const all = await examples()
  $('examples').textContent = [...count(all)].map(([label, n]) => `${label}: ${n}`).join(', ') || 'No examples yet. Two of each of two labels are a beginning, a dozen are better.'
  $('known').replaceChildren(...[...count(all).keys()].map((label) => new Option(label)))
  return all
}

async function fillJudges(selected) {
  const judges = heads.map(({ name, title }) => new Option(title, name))
  if (await taught()) judges.push(new Option('my own labels', OWN))
  $('judge').replaceChildren(...judges)
  $('judge').disabled = judges.length === 0
  if (selected !== undefined && judges.some(({ value }) => value === selected)) $('judge').value = selected
}

function show({ label, score, scores, found, typicality, explanation }) {
  const best = found ?? scores.slice(0, MOST_PASSAGES)
  $('labels').replaceChildren(...best.map((each) => {
    const meter = document.createElement('meter')
    meter.value = each.score
    // A label that one passage decides comes with that passage.
    const evidence = each.start === undefined ? '' : `: “${text.slice(each.start, each.end).trim().slice(0, 300)}”`
    return item(`${each.label} ${percent(each.score)} `, meter, evidence)
  }))
  const passages = found === undefined ? explanation.passages.filter(({ contribution }) => contribution > 0).slice(0, MOST_PASSAGES) : []
  $('passages').replaceChildren(...passages.map(({ text }) => item(text.trim())))
  $('because').hidden = passages.length === 0
  const unlike = typicality < lowTypicality ? ' But this text is unlike all that it learned from.' : ''
  if (found?.length === 0) say(`None of the labels holds. The likeliest is ${label}, ${percent(score)}.${unlike}`)
  else say(`${best[0].label}, ${percent(best[0].score)}.${unlike}`)
}

async function judge() {
  $('labels').replaceChildren()
  $('passages').replaceChildren()
  $('because').hidden = true
  if (text.trim() === '') return say('There is no text here, or the browser lets no extension read it.')
  const name = $('judge').value
  if (name === '') return say('Teach it two labels, and it will tell them apart.')
  say('Reading')
  const head = await trunk.attach(name === OWN ? await taught() : name)
  try {
    show(await head.classify(text, { explain: 'passages' }))
  } finally {
    head.dispose()
  }
}

async function learn(label) {
  if (text.trim() === '') return say('There is no text here to learn from.')
  await remember(text, label)
  const all = await showExamples()
  if (!canTeach(all)) return say(`Remembered as ${label}. Two labels with two examples each are needed to begin.`)
  say('Learning')
  const { accuracy } = await teach(trunk, all)
  await fillJudges(OWN)
  await judge()
  $('examples').textContent += `. Of examples that were held out, ${percent(accuracy.value)} were right.`
}

async function unlearn() {
  await forget()
  await showExamples()
  await fillJudges()
  await judge()
}

$('judge').addEventListener('change', () => queue(judge))
document.forms[0].addEventListener('submit', (event) => {
  event.preventDefault()
  const label = $('label').value.trim()
  if (label !== '') queue(() => learn(label))
})
$('forget').addEventListener('click', () => queue(unlearn))
queue(open)
