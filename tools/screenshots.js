#!/usr/bin/env node
/**
 * Writes the demo's screenshots for the README into docs/, and its icons from icon.svg:
 * `node tools/screenshots.js [FOLDER]`, with Chromium (CHROMIUM=/path/to/it names another).
 */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import puppeteer from 'puppeteer-core'
import { createServer } from './serve.js'
import { REPOSITORY } from './site.js'

/** @typedef {{ name: string, scheme: 'light' | 'dark', width: number, height: number, scale: number, at?: string, query?: string, measure?: boolean, clause?: string }} Shot */

/** @type {Shot[]} */
const SHOTS = [
  { name: 'demo-light', scheme: 'light', width: 1360, height: 980, scale: 1, at: '#workbench', query: '?model=contracts&sample=contract', clause: 'Governing Law' },
  { name: 'demo-dark', scheme: 'dark', width: 1360, height: 980, scale: 1, at: '#complexity', measure: true },
  { name: 'demo-phone', scheme: 'light', width: 390, height: 844, scale: 2, at: '#workbench' }
]

const folder = path.resolve(process.argv[2] ?? path.join(REPOSITORY, 'docs'))
await mkdir(folder, { recursive: true })
const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars', '--disable-background-networking']
})
try {
  for (const { name, scheme, width, height, scale, at, query = '?sample=review', measure, clause } of SHOTS) {
    const page = await browser.newPage()
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }])
    await page.setViewport({ width, height, deviceScaleFactor: scale })
    await page.goto(`http://127.0.0.1:${port}/${query}`)
    await page.waitForFunction(() => document.querySelector('#status')?.textContent === 'Done.')
    await page.waitForSelector('main:not(:has(.chapter:not(.drawn)))')
    if (measure) {
      await page.$eval('#measure', (button) => /** @type {HTMLElement} */ (button).click())
      await page.waitForFunction(() => document.querySelector('#measure-status')?.textContent?.startsWith('Done'), { timeout: 600_000 })
    }
    if (clause !== undefined) {
      await page.evaluate((clause) => [...document.querySelectorAll('#result .found button')].find((button) => button.textContent?.startsWith(clause))?.dispatchEvent(new MouseEvent('click')), clause)
      await page.waitForSelector('#reader mark.chosen')
    }
    if (at !== undefined) await page.$eval(at, (element) => element.scrollIntoView({ block: 'start', behavior: 'instant' }))
    await page.evaluate(() => document.fonts.ready.then(() => new Promise((resolve) => setTimeout(resolve, 300))))
    const file = path.join(folder, `${name}.png`)
    await page.screenshot({ path: /** @type {`${string}.png`} */ (file) })
    console.log(file)
    await page.close()
  }
  const svg = await readFile(path.join(REPOSITORY, 'web/icon.svg'), 'utf8')
  const page = await browser.newPage()
  for (const size of [192, 512]) {
    await page.setViewport({ width: size, height: size })
    await page.setContent(`<style>body { margin: 0 } svg { display: block; width: 100vw; height: 100vh }</style>${svg}`)
    await page.screenshot({ path: /** @type {`${string}.png`} */ (path.join(REPOSITORY, `web/icon-${size}.png`)), omitBackground: true })
  }
} finally {
  await browser.close()
  server.closeAllConnections()
  server.close()
}
