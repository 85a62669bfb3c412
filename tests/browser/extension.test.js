/** The browser extension of examples/, built and loaded into Chromium: the menu, a selection, labels of one's own, and no request. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { promisify } from 'node:util'
import puppeteer from 'puppeteer-core'
import { buildCdn } from '../../tools/cdn.js'
import { serve, temporaryFolder } from './helpers/browsers.js'

const MOST_BYTES = 10e6
const MOST_LINES = 300
const SOURCE = 'examples/extension'
const LETTERS = ['rent/arrears.txt', 'repairs/drain.txt', 'rent/benefit.txt', 'repairs/window.txt']
const WAIT = { timeout: 180_000 }

let dist
let site
/** @type {import('puppeteer-core').Browser} */
let browser
/** The extension's service worker. @type {import('puppeteer-core').WebWorker} */
let background
const requests = []
const cleanup = []

before(async () => {
  const { folder, remove } = await temporaryFolder()
  cleanup.push(remove)
  // As `npm install` in a copy of the example leaves it.
  const example = path.join(folder, 'extension')
  await cp(SOURCE, example, { recursive: true })
  await buildCdn(path.resolve('wasm/cdn'))
  await mkdir(path.join(example, 'node_modules'))
  await symlink(path.resolve('.'), path.join(example, 'node_modules/linformer-wasm'))
  await promisify(execFile)(process.execPath, ['build.js'], { cwd: example })
  dist = path.join(example, 'dist')

  site = await serve(http.createServer(async (request, response) => {
    requests.push(request.url)
    const text = await readFile(path.join('examples/letters', request.url ?? ''), 'utf8').catch(() => '')
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html><title>${request.url}</title><p id="first">A kind word first.</p><pre>${text}</pre>`)
  }))
  cleanup.push(() => site.close())
  // A menu that a test opens gives no right to the page, as a person's does.
  const manifest = path.join(dist, 'manifest.json')
  const shipped = JSON.parse(await readFile(manifest, 'utf8'))
  assert.equal(shipped.host_permissions, undefined)
  await writeFile(manifest, JSON.stringify({ ...shipped, host_permissions: ['http://127.0.0.1/*'] }))
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', userDataDir: path.join(folder, 'profile'), pipe: true, enableExtensions: [dist],
    protocolTimeout: 200_000, args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
  cleanup.push(() => browser.close())
  const target = await browser.waitForTarget((each) => each.type() === 'service_worker' && each.url().endsWith('/background.js'), WAIT)
  background = /** @type {import('puppeteer-core').WebWorker} */ (await target.worker())
})
after(async () => {
  for (const undo of cleanup.reverse()) await undo()
})

// No example, no head and no open page of the test before.
beforeEach(async () => {
  for (const page of await browser.pages()) if (page.url().includes('/result.html')) await page.close()
  await background.evaluate(() => Promise.all([chrome.storage.local.clear(), chrome.storage.session.clear()]))
  requests.length = 0
})

/** Opens a page, chooses from the menu, and gives the page with the result. */
async function ask(url, menuItemId, prepare = () => {}) {
  const page = await browser.newPage()
  await page.goto(`${site.origin}/${url}`)
  await page.evaluate(prepare)
  const opened = browser.waitForTarget((target) => target.url().includes('/result.html?'), WAIT)
  await background.evaluate(async (menuItemId, url) => {
    const tab = (await chrome.tabs.query({})).find((each) => each.url?.endsWith(url))
    chrome.contextMenus.onClicked.dispatch({ menuItemId, frameId: 0, selectionText: 'cut' }, tab)
  }, menuItemId, url)
  const result = await (await opened).page()
  await done(result)
  await page.close()
  return result
}
/** All that was asked of the page is done: it says that it is busy as soon as something is asked. */
const done = (page) => page.waitForSelector('main[aria-busy="false"]', WAIT)
const statusOf = (page) => page.$eval('#status', ({ textContent }) => textContent)

test(`it is complete, below ${MOST_BYTES} bytes, and its own scripts below ${MOST_LINES} lines`, async (t) => {
  let bytes = 0
  for (const name of await readdir(dist, { recursive: true })) bytes += (await stat(path.join(dist, name))).isFile() ? (await stat(path.join(dist, name))).size : 0
  t.diagnostic(`${bytes} bytes`)
  assert.ok(bytes <= MOST_BYTES)
  const scripts = (await readdir(SOURCE)).filter((name) => name.endsWith('.js'))
  const lines = (await Promise.all(scripts.map((name) => readFile(path.join(SOURCE, name), 'utf8')))).join('').split('\n').length
  assert.ok(lines <= MOST_LINES, `${lines} lines`)
})

test('labels of one\'s own are taught from pages, and tell the next page; no request leaves', async () => {
  for (const [i, letter] of LETTERS.entries()) {
    const page = await ask(letter, 'page')
    const label = letter.split('/')[0]
    await page.type('#label', label)
    await page.click('form button')
    await done(page)
    if (i < LETTERS.length - 1) assert.match(await statusOf(page), new RegExp(`^Remembered as ${label}\\.`))
    else {
      assert.match(await statusOf(page), /^(rent|repairs), \d+%\./)
      assert.match(await page.$eval('#examples', ({ textContent }) => textContent), /^rent: 2, repairs: 2\. Of examples that were held out, \d+% were right\.$/)
    }
    await page.close()
  }

  const page = await ask('rent/debit-date.txt', 'page')
  assert.match(await statusOf(page), /^(rent|repairs), \d+%\./)
  assert.equal(await page.$$eval('#labels li', (items) => items.length), 2)
  assert.equal(await page.$eval('h1', ({ textContent }) => textContent), '/rent/debit-date.txt')
  const letter = await readFile('examples/letters/rent/debit-date.txt', 'utf8')
  const passages = await page.$$eval('#passages li', (items) => items.map(({ textContent }) => textContent))
  assert.ok(passages.length > 0)
  for (const passage of passages) assert.ok(`A kind word first. ${letter}`.replace(/\s+/g, ' ').includes(passage.replace(/\s+/g, ' ')), passage)

  const strangers = await page.evaluate(async () => {
    const refused = await fetch('https://example.org/').then(() => false, () => true)
    return { refused, asked: performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith(location.origin) && !name.startsWith('https://example.org')) }
  })
  assert.deepEqual(strangers, { refused: true, asked: [] })
  assert.deepEqual(requests.filter((url) => url !== '/favicon.ico'), [...LETTERS, 'rent/debit-date.txt'].map((name) => `/${name}`))

  await page.click('#forget')
  await done(page)
  assert.match(await page.$eval('#examples', ({ textContent }) => textContent), /^No examples yet/)
  assert.deepEqual(await page.$$eval('#judge option', (options) => options.map(({ value }) => value)), ['subjects', 'contracts'])
  await page.close()
})

test('a selection is read alone, by each of the heads that are built in', async () => {
  const page = await ask('rent/arrears.txt', 'selection', () => { getSelection().selectAllChildren(document.querySelector('#first')) })
  const judges = await page.$$eval('#judge option', (options) => options.map(({ value }) => value))
  assert.deepEqual(judges, ['subjects', 'contracts'])
  for (const judge of judges) {
    await page.select('#judge', judge)
    await done(page)
    assert.match(await statusOf(page), judge === 'contracts' ? /^(None of the labels holds\. The likeliest is )?[^.]+, \d+%\./ : /^[^.]+, \d+%\./)
  }
  assert.match(await page.$eval('#about', ({ textContent }) => textContent), /^18 characters\./)
  await page.close()
})
