/** <long-document-classifier> in plain HTML, under a strict policy. Frameworks: tests/package/element.test.js. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import axe from 'axe-core'
import { build } from 'esbuild'
import { load } from 'linformer-wasm'
import { createServer } from '../../tools/serve.js'
import { launch, serve, temporaryFolder } from './helpers/browsers.js'

const MOST_BYTES = 10_000
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; img-src data:"
const GOOD = 'An excellent film with a wonderful cast and a great story: I loved every minute of it.'
const BAD = 'A dreadful film: dull, badly acted, and a complete waste of two hours. I hated it.'

/** @type {import('puppeteer-core').Page} */
let page
let site
const cleanup = []

before(async () => {
  const files = createServer()
  // An empty page beside the library's files.
  site = await serve(http.createServer((request, response) => {
    if (request.url !== '/page') files.emit('request', request, response)
    else response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': POLICY }).end('<!doctype html><link rel="icon" href="data:,">')
  }))
  cleanup.push(() => site.close())
  const { folder, remove } = await temporaryFolder()
  cleanup.push(remove)
  const browser = await launch('chromium', folder)
  cleanup.push(() => browser.close())
  page = await browser.newPage()
})
after(async () => {
  for (const undo of cleanup.reverse()) await undo()
})

beforeEach(async () => {
  await page.goto(`${site.origin}/page`)
  await page.evaluate(async () => {
    await import('/wasm/element.js')
    globalThis.complaints = []
    for (const kind of ['error', 'unhandledrejection', 'securitypolicyviolation']) addEventListener(kind, (event) => complaints.push(`${kind}: ${event.message ?? event.reason ?? event.violatedDirective}`))
    /** Puts HTML on the page; the element in it. */
    globalThis.show = (html) => {
      document.body.innerHTML = html
      return document.querySelector('long-document-classifier')
    }
    globalThis.next = (target, kind) => new Promise((resolve, reject) => {
      target.addEventListener(kind, resolve, { once: true })
      setTimeout(() => reject(new Error(`no ${kind}: ${[...document.querySelectorAll('long-document-classifier')].map(({ state, error }) => `${state} ${error}`)}; ${complaints}`)), 100_000)
    })
    globalThis.part = (element, name) => element.shadowRoot.querySelector(`[part~=${name}]`)
  })
})
const behaved = async () => assert.deepEqual(await page.evaluate(() => globalThis.complaints), [])

test(`${MOST_BYTES} bytes at most, beside the library`, async (t) => {
  const { outputFiles: [{ contents }] } = await build({ entryPoints: ['wasm/element.js'], bundle: true, minify: true, format: 'esm', external: ['*/worker.js'], write: false })
  t.diagnostic(`${contents.length} bytes`)
  assert.ok(contents.length <= MOST_BYTES)
})

test('text in the slot, a field in the slot, the attribute, the property', async () => {
  const found = await page.evaluate(async (good, bad) => {
    const element = show(`<long-document-classifier model="sentiment" top-k="1" explain><p>${good}</p></long-document-classifier>`)
    const results = []
    const keep = async () => {
      const { detail } = await next(document, 'result')
      results.push([element.state, element.result === detail, detail.scores.length, part(element, 'label').textContent])
    }
    await keep()
    const first = { score: element.result.score, passages: [part(element, 'passages').hidden, part(element, 'passage').textContent], status: part(element, 'status').textContent }
    element.firstChild.firstChild.data = bad
    await keep()
    element.innerHTML = '<label>Review <textarea></textarea></label>'
    const area = element.querySelector('textarea')
    area.value = good
    area.dispatchEvent(new InputEvent('input', { bubbles: true }))
    await keep()
    element.setAttribute('value', bad)
    await keep()
    element.value = good
    await keep()
    element.value = null
    await keep()
    element.value = ' '
    await new Promise((resolve) => setTimeout(resolve, 50))
    const empty = [element.state, element.result ?? null, part(element, 'scores').hidden, part(element, 'status').textContent]
    return { first, results, empty }
  }, GOOD, BAD)
  const labels = ['positive', 'negative', 'positive', 'negative', 'positive', 'negative']
  assert.deepEqual(found.results, labels.map((label) => ['done', true, 1, label]))
  const classifier = await load('sentiment')
  const { score } = await classifier.classify(GOOD)
  classifier.dispose()
  assert.ok(Math.abs(found.first.score - score) < 1e-3)
  assert.equal(found.first.passages[0], false)
  assert.ok(GOOD.includes(found.first.passages[1].trim()))
  assert.match(found.first.status, /^positive, \d+(\.\d)?%$/)
  assert.deepEqual(found.empty, ['idle', null, true, ''])
  await behaved()
})

test('it says where a label means little', async () => {
  const said = await page.evaluate(async (strange) => {
    const element = show('<long-document-classifier model="sentiment"></long-document-classifier>')
    element.value = strange
    await next(element, 'result')
    return part(element, 'status').textContent
  }, readFileSync('web/samples/contract.txt', 'utf8'))
  assert.match(said, /^(positive|negative), \d+(\.\d)?%\. This text is unlike anything the model was trained on: its label means little\.$/)
  await behaved()
})

test('a field of a form: its value is the label, it can be required, disabled and reset', async () => {
  const found = await page.evaluate(async (good) => {
    const element = show('<form><label for="mood">Mood</label><long-document-classifier id="mood" name="mood" model="imdb" required></long-document-classifier></form>')
    const { form } = element
    const before = [form.checkValidity(), element.validity.valueMissing, element.validationMessage, [...new FormData(form)].length, element.labels.length]
    element.value = good
    await next(element, 'result')
    const during = [form.checkValidity(), new FormData(form).get('mood'), element.matches(':state(done)')]
    form.reset()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const reset = [form.checkValidity(), element.value, element.state]
    element.disabled = true
    element.value = good
    await new Promise((resolve) => setTimeout(resolve, 50))
    const disabled = [element.state, element.willValidate]
    return { before, during, reset, disabled }
  }, GOOD)
  assert.deepEqual(found, {
    before: [false, true, 'There is no text to classify yet.', 0, 1],
    during: [true, 'positive', true],
    reset: [false, '', 'idle'],
    disabled: ['idle', false]
  })
  await behaved()
})

test('what fails is shown and told, and the next model is tried', async () => {
  const found = await page.evaluate(async (good) => {
    const element = show(`<long-document-classifier model="/none.safetensors">${good}</long-document-classifier>`)
    const { message, error } = await next(element, 'error')
    const failed = [element.state, element.error === error, error.code, part(element, 'error').textContent === message, part(element, 'error').role]
    element.model = 'general'
    const unlabelled = (await next(element, 'error')).message
    element.model = new Blob([await (await fetch('/models/sentiment.safetensors')).arrayBuffer()])
    const { detail } = await next(element, 'result')
    return { failed, message, unlabelled, label: detail.label, left: part(element, 'error').textContent }
  }, GOOD)
  assert.deepEqual(found.failed, ['failed', true, 'SOURCE_FAILED', true, 'alert'])
  assert.match(found.message, /none\.safetensors answered with HTTP status 404/)
  assert.match(found.unlabelled, /no labels/)
  assert.deepEqual([found.label, found.left], ['positive', ''])
  await behaved()
})

test('elements with one model share a worker, which goes when they have gone', async () => {
  const labels = await page.evaluate(async (good, bad) => {
    show([good, bad, good].map((text) => `<long-document-classifier model="sentiment" value="${text}"></long-document-classifier>`).join(''))
    const elements = [...document.querySelectorAll('long-document-classifier')]
    const { length } = await Promise.all(elements.map((element) => next(element, 'result')))
    document.body.append(elements[0]) // moved, not removed
    return [length, ...elements.map(({ result }) => result.label)]
  }, GOOD, BAD)
  assert.deepEqual(labels, [3, 'positive', 'negative', 'positive'])
  assert.equal(page.workers().length, 1)
  await page.evaluate(() => document.body.replaceChildren())
  for (let i = 0; i < 1000 && page.workers().length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(page.workers().length, 0)
  await behaved()
})

test('properties that were set before it was defined; parts are styled; axe finds nothing to mend', async () => {
  await page.goto(`${site.origin}/page`)
  const color = await page.evaluate(async (good) => {
    document.documentElement.lang = 'en'
    document.title = 'A page'
    document.body.innerHTML = '<main><h1>A review</h1><form><long-document-classifier><p></p></long-document-classifier></form></main>'
    const element = document.querySelector('long-document-classifier')
    Object.assign(element, { model: 'sentiment', value: good, options: { backend: 'simd128' } })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync('long-document-classifier::part(label) { color: rgb(1, 2, 3) }')
    document.adoptedStyleSheets = [sheet]
    const told = new Promise((resolve) => document.addEventListener('result', resolve, { once: true }))
    await import('/wasm/element.js')
    await told
    return getComputedStyle(element.shadowRoot.querySelector('[part=label]')).color
  }, GOOD)
  assert.equal(color, 'rgb(1, 2, 3)')
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => globalThis.axe.run('main', { resultTypes: ['violations'] }))
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [])
})
