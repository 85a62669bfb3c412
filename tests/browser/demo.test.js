/** The demo page in a real browser, from the demo's own server, with the shipped model. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import puppeteer from 'puppeteer-core'

import { createServer } from '../../tools/serve.js'
import { SAMPLES } from '../../web/samples.js'

/** @typedef {import('puppeteer-core').Page} Page */

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const MODEL = fileURLToPath(new URL('../../models/imdb.safetensors', import.meta.url))
const LONGEST_TASK = 200 // ms of the main thread; the page aims at slices of 8, the rest is for a busy machine
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-quic'
]

const server = createServer()
/** @type {string} */
let origin
/** @type {string} */
let folder
/** @type {import('puppeteer-core').Browser} */
let browser

before(async () => {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`there is no browser at ${CHROMIUM}: run tools/setup.sh, or name another with CHROMIUM=/path/to/chromium`)
  }
  if (!existsSync(MODEL)) throw new Error(`there is no model at ${MODEL}`)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`
  folder = await mkdtemp(path.join(tmpdir(), 'demo-'))
  browser = await puppeteer.launch({ executablePath: CHROMIUM, args: ARGS, userDataDir: path.join(folder, 'profile') })
})

after(async () => {
  await browser?.close()
  server.closeAllConnections()
  server.close()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

/**
 * Opens the page, has `use` do something with it, and then holds it to its promises: no request to another host, no
 * complaint in the console, no violation of its policy.
 *
 * @param {(page: Page) => Promise<void>} use
 * @param {{ query?: string, complaints?: RegExp }} [options] complaints that belong to what is tested
 */
async function withPage(use, { query = '', complaints = /^$/ } = {}) {
  const page = await browser.newPage()
  /** @type {string[]} */
  const strangers = []
  /** @type {string[]} */
  const console = []
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.origin !== origin && url.protocol !== 'data:') strangers.push(request.url())
  })
  page.on('console', (message) => {
    if (['error', 'warn', 'assert'].includes(message.type())) console.push(message.text())
  })
  page.on('pageerror', (error) => console.push(String(error)))
  page.setDefaultTimeout(60_000)
  await page.evaluateOnNewDocument(() => {
    const seen = Object.assign(globalThis, { violations: /** @type {string[]} */ ([]), tasks: /** @type {number[]} */ ([]) })
    addEventListener('securitypolicyviolation', (event) => seen.violations.push(`${event.violatedDirective}: ${event.blockedURI}`))
    new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'longtask', buffered: true })
  })
  try {
    await page.goto(`${origin}/${query}`)
    await idle(page)
    await use(page)
    assert.deepEqual(strangers, [], 'requests to another host')
    assert.deepEqual(console.filter((line) => !complaints.test(line)), [], 'complaints in the console')
    assert.deepEqual(await page.evaluate(() => Reflect.get(globalThis, 'violations')), [], 'violations of the policy')
  } finally {
    await page.close()
  }
}

/** @param {Page} page */
const idle = (page) => page.waitForSelector('#classify[aria-disabled="false"]')

/** @param {Page} page @param {string} selector */
const textOf = (page, selector) => page.$eval(selector, (element) => element.textContent ?? '')

/** @param {Page} page @param {string} text */
async function paste(page, text) {
  await page.focus('#text')
  await page.$eval('#text', (area, text) => {
    if (!(area instanceof HTMLTextAreaElement)) throw new Error('#text is not a text area')
    area.select()
    area.setRangeText(text)
    area.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }))
  }, text)
}

/** Presses Classify and waits for the end. @param {Page} page @returns {Promise<string>} the winning label */
async function classify(page) {
  await page.click('#classify')
  await idle(page)
  assert.equal(await textOf(page, '#error'), '')
  assert.equal(await textOf(page, '#status'), 'Done.')
  return textOf(page, '#result li:first-child span')
}

for (const [name, { label, text }] of Object.entries(SAMPLES)) {
  test(`the ${name} sample is ${label}, read whole, and explained`, () => withPage(async (page) => {
    await page.click(`[data-sample=${name}]`)
    assert.equal(await classify(page), label)

    const [, read, tokens] = /Tokens read([\d,]+) of ([\d,]+)Windows/.exec(await textOf(page, '#result')) ?? []
    assert.ok(read !== undefined && read === tokens, 'all tokens read')
    const percentages = await page.$$eval('#result li > span:nth-child(2)', (spans) => spans.map((span) => parseFloat(span.textContent ?? '')))
    assert.ok(Math.abs(percentages.reduce((a, b) => a + b) - 100) < 0.2 || percentages.some(Number.isNaN), String(percentages))

    assert.equal(await textOf(page, '.passages'), text, 'the document, character by character')
    const numbers = (await textOf(page, '#explanation > p')).match(/[+\u2212]?\d+\.\d{3}/g) ?? []
    const [pros, cons, constant, lead] = numbers.map((number) => Number(number.replace('\u2212', '-')))
    assert.ok(lead > 0)
    assert.ok(Math.abs(pros + cons + constant - lead) < 0.0025, `${numbers}: the passages add up`)
  }))
}

test('a line that was pasted, without a connection', () => withPage(async (page) => {
  await page.setOfflineMode(true)
  await paste(page, 'An excellent film with a wonderful cast and a great story: I loved every minute of it, one of the best of the year.')
  assert.equal(await classify(page), 'positive')
}))

test('a file that was opened; one that is not text is refused in words', () => withPage(async (page) => {
  const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement>} */ (await page.$('#file'))
  const binary = path.join(folder, 'picture.txt')
  await writeFile(binary, Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xff))
  await input.uploadFile(binary)
  await page.waitForSelector('#error:not([hidden])')
  assert.match(await textOf(page, '#error'), /^picture\.txt is not UTF-8 text\. Save it/)

  const review = path.join(folder, 'review.txt')
  await writeFile(review, SAMPLES.short.text)
  await input.uploadFile(review)
  await page.waitForFunction((text) => document.querySelector('textarea')?.value === text, {}, SAMPLES.short.text)
  assert.equal(await classify(page), SAMPLES.short.label)
}))

test('the keyboard is enough', () => withPage(async (page) => {
  await page.focus('[data-sample=short]')
  await page.keyboard.press('Enter')
  await page.keyboard.down('Control')
  await page.keyboard.press('Enter')
  await page.keyboard.up('Control')
  await page.waitForSelector('.passages')
  await idle(page)
  await page.focus('.passages mark[tabindex="0"]')
  await page.keyboard.press('ArrowRight')
  const second = await page.$eval('.passages mark:nth-of-type(2)', (mark) => [document.activeElement === mark, mark.title])
  assert.equal(second[0], true, 'the focus is on the second passage')
  assert.equal(await textOf(page, '.reading'), `This passage: ${second[1]}.`)
}))

test('nothing to classify is said in words, and the way out of it', () => withPage(async (page) => {
  await paste(page, ' \n\t ')
  await page.click('#classify')
  await page.waitForSelector('#error:not([hidden])')
  assert.match(await textOf(page, '#error'), /There is no text to classify\. *Type or paste some/)
  await page.click('[data-sample=short]')
  assert.equal(await textOf(page, '#error'), '')
  assert.equal(await classify(page), SAMPLES.short.label)
}))

test('a long classification is cancelled, and the next one works', () => withPage(async (page) => {
  await paste(page, `${SAMPLES.long.text}\n\n`.repeat(400)) // some 450,000 tokens: many seconds
  await page.click('#classify')
  await page.waitForFunction(() => document.querySelector('#status')?.textContent === 'Reading')
  const pressed = performance.now()
  await page.click('#cancel')
  await idle(page)
  assert.ok(performance.now() - pressed < 2000, 'at once')
  assert.equal(await textOf(page, '#status'), 'Cancelled.')
  assert.equal(await textOf(page, '#error'), '')
  assert.match(await textOf(page, '#result'), /Nothing has been classified yet/)

  await page.click('[data-sample=short]')
  assert.equal(await classify(page), SAMPLES.short.label)
}))

test('the main thread is never held up while it classifies', () => withPage(async (page) => {
  const memory = await textOf(page, '#memory')
  for (const text of [SAMPLES.long.text, `${SAMPLES.long.text}\n\n`.repeat(20)]) {
    await paste(page, text)
    await page.evaluate(() => Reflect.get(globalThis, 'tasks').splice(0))
    await classify(page)
    // The observer hears of a task only after it.
    const tasks = await page.evaluate(() => new Promise((resolve) => setTimeout(() => resolve(Reflect.get(globalThis, 'tasks')), 300)))
    assert.ok(Math.max(0, ...tasks) < LONGEST_TASK, `tasks of ${tasks} ms over ${text.length} characters`)
  }
  assert.ok(Number((await textOf(page, '#result')).match(/Windows([\d,]+)/)?.[1]) > 1, 'the second was read in windows')
  assert.match(memory, /Linear memory, fixed[\d.]+ MiB/)
  assert.equal(await textOf(page, '#memory'), memory, 'the memory is what it was')
}))

test('a model that is a web page, or not there, is said in words', async () => {
  await withPage(async (page) => {
    assert.match(await textOf(page, '#error[role=alert]'), /What came is not a model file\..*web page.*Check the address/)
  }, { query: '?model=/web/index.html' })

  await withPage(async (page) => {
    assert.match(await textOf(page, '#error[role=alert]'), /could not be fetched\..*404.*press Classify to try again/)
    await page.click('[data-sample=short]')
    await page.click('#classify')
    await idle(page)
    assert.match(await textOf(page, '#error'), /could not be fetched/)
  }, { query: '?model=/models/none.safetensors', complaints: /status of 404/ })
})

test('a model of another host is never asked for', () => withPage(async (page) => {
  assert.match(await textOf(page, '#error'), /could not be fetched/)
  // Told once for each of the two policies, the page's own and the server's.
  const violations = await page.evaluate(() => Reflect.get(globalThis, 'violations').splice(0))
  assert.deepEqual([...new Set(violations)], ['connect-src: http://localhost:9/model'])
}, { query: '?model=http://localhost:9/model', complaints: /Content Security Policy|Refused to connect/ }))

test('the page fits a narrow screen', () => withPage(async (page) => {
  await page.setViewport({ width: 320, height: 640 })
  await page.click('[data-sample=long]')
  await classify(page)
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'no sideways scrolling')
}))
