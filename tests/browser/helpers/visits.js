/** Visits to the demo page in Chromium, from the demo's own server: each with a profile of its own, held to what the page promises. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before } from 'node:test'
import { launch, serve, temporaryFolder } from './browsers.js'
import { idle } from './page.js'

/** @typedef {import('puppeteer-core').Page} Page */

/** Milliseconds to wait for what takes one or two; a machine may be slow, and have other things to do. */
const PATIENCE = 180_000

/** The address of the demo's server and a folder for files, from when the tests begin. */
export const place = { origin: '', folder: '' }

/** @type {import('puppeteer-core').Browser} */
let browser
/** @type {(() => unknown)[]} */
const cleanup = []

before(async () => {
  const server = await serve()
  place.origin = server.origin
  cleanup.push(server.close)
  const { folder, remove } = await temporaryFolder()
  place.folder = folder
  cleanup.push(remove)
  browser = await launch('chromium', path.join(folder, 'profile'))
  cleanup.push(() => browser.close())
})

after(async () => {
  for (const undo of cleanup.reverse()) await undo()
})

/**
 * Opens the page, has `use` do something with it, and then holds it to its promises: no request to another host, no
 * complaint in the console, no violation of its policy. What the page saves is in its global `saved`.
 *
 * @param {(page: Page) => Promise<unknown>} use
 * @param {{ query?: string, complaints?: RegExp, site?: string }} [options] complaints that belong to what
 *   is tested; another server than the demo's own
 */
export async function withPage(use, { query = '', complaints = /^$/, site = place.origin } = {}) {
  const context = await browser.createBrowserContext() // no cache and no service worker of another test
  const page = await context.newPage()
  /** @type {string[]} */
  const strangers = []
  /** @type {string[]} */
  const console = []
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.origin !== site && url.protocol !== 'data:') strangers.push(request.url())
  })
  page.on('console', (message) => {
    if (['error', 'warn', 'assert'].includes(message.type())) console.push(message.text())
  })
  page.on('pageerror', (error) => console.push(String(error)))
  page.on('dialog', (dialog) => { void dialog.accept() })
  page.setDefaultTimeout(PATIENCE)
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }])
  await page.evaluateOnNewDocument(() => {
    const violations = /** @type {string[]} */ ([])
    addEventListener('securitypolicyviolation', (event) => violations.push(`${event.violatedDirective}: ${event.blockedURI}`))
    // What the page saves, instead of a download.
    const saved = /** @type {Blob[]} */ ([])
    const make = URL.createObjectURL
    URL.createObjectURL = (blob) => {
      saved.push(/** @type {Blob} */ (blob))
      return make(blob)
    }
    Object.assign(globalThis, { violations, saved })
  })
  try {
    await page.goto(`${site}/${query}`)
    await idle(page)
    await use(page)
    assert.deepEqual(strangers, [], 'requests to another host')
    assert.deepEqual(console.filter((line) => !complaints.test(line)), [], 'complaints in the console')
    assert.deepEqual(await page.evaluate(() => Reflect.get(globalThis, 'violations')), [], 'violations of the policy')
  } finally {
    await context.close()
  }
}
