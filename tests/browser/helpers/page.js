/** What the tests do with the page, whatever the browser. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'

/** @typedef {import('puppeteer-core').Page} Page */

/** What a reader would say of the samples about films. */
export const SAMPLE_LABELS = { review: 'positive', note: 'negative', turn: 'positive', denial: 'positive' }

/** Long samples, each with a head on the shared trunk: the subject of the one, and a clause that the other holds. */
export const CHAPTER = { id: 'chapter', label: 'Astronomy', words: 10_000 }
export const CONTRACT = { id: 'contract', clause: 'Governing Law', words: 10_000 }

/** @param {string} id @returns {Promise<string>} */
export const sample = async (id) => (await readFile(new URL(`../../../web/samples/${id}.txt`, import.meta.url), 'utf8')).trimEnd()

/** A text of one paragraph in lines of at most so many characters, as a page of paper has it. @param {string} text @param {number} [width] */
export const inLines = (text, width = 80) => text.replace(new RegExp(`(.{1,${width}})( |$)`, 'g'), '$1\n').trimEnd()

/** The page has started, with all its chapters, and is doing nothing. @param {Page} page */
export const idle = (page) => page.waitForSelector('main:not(:has(.chapter:not(.drawn))) #classify[aria-disabled="false"]')

/** @param {Page} page @param {string} selector */
export const textOf = (page, selector) => page.$eval(selector, (element) => element.textContent ?? '')

/** Presses a button, wherever the page is scrolled to. @param {Page} page @param {string} selector */
export const press = (page, selector) => page.$eval(selector, (button) => /** @type {HTMLElement} */ (button).click())

/** Puts a text into the page as pasting does. @param {Page} page @param {string} text */
export async function paste(page, text) {
  if (await page.$('#edit:not([hidden])') !== null) await press(page, '#edit')
  await page.focus('#text')
  await page.$eval('#text', (area, text) => {
    if (!(area instanceof HTMLTextAreaElement)) throw new Error('#text is not a text area')
    area.select()
    area.setRangeText(text)
    area.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }))
  }, text)
}

/** @param {Page} page @param {string} id of the sample */
export async function chooseSample(page, id) {
  const text = await sample(id)
  await press(page, `[data-sample=${id}]`)
  await page.waitForFunction((text) => document.querySelector('textarea')?.value === text, {}, text)
}

/** Presses Classify and waits for the end. @param {Page} page @returns {Promise<string>} the winning label */
export async function classify(page) {
  await press(page, '#classify')
  await idle(page)
  assert.equal(await textOf(page, '#error'), '')
  assert.equal(await textOf(page, '#status'), 'Done.')
  return textOf(page, '#result .label')
}

/** The error that the page shows. @param {Page} page @returns {Promise<string>} */
export async function errorOf(page) {
  await page.waitForSelector('#error:not([hidden])')
  return textOf(page, '#error')
}

/** Puts a file on the page as a drop does. @param {Page} page @param {string} name @param {Uint8Array} bytes @param {string} type */
export const drop = (page, name, bytes, type) => page.evaluate((name, base64, type) => {
  const data = new DataTransfer()
  data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }))
  for (const kind of ['dragover', 'drop']) document.querySelector('#drop')?.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }))
}, name, Buffer.from(bytes).toString('base64'), type)

/**
 * The longest task of a page's main thread while `use` ran, in milliseconds of the processor: what the page itself asks
 * for, whoever else keeps the machine busy meanwhile. From a trace of Chromium.
 *
 * @param {Page} page
 * @param {() => Promise<unknown>} use
 * @returns {Promise<number>}
 */
export async function longestTask(page, use) {
  const mark = `mark ${Math.random()}`
  await page.tracing.start({ categories: ['toplevel', 'blink.user_timing'] })
  await page.evaluate((mark) => { performance.mark(mark) }, mark)
  await use()
  const trace = await page.tracing.stop()
  /** @type {{ name: string, ph: string, pid: number, tid: number, tdur?: number }[]} */
  const { traceEvents: events } = JSON.parse(new TextDecoder().decode(trace))
  const marked = events.find(({ name }) => name === mark)
  const tasks = events.filter(({ name, ph, pid, tid }) => name.endsWith('RunTask') && ph === 'X' && pid === marked?.pid && tid === marked.tid)
  assert.ok(tasks.length > 10 && tasks.some(({ tdur }) => tdur !== undefined), 'the trace has the tasks of the page')
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000
}
