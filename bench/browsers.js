/**
 * Firefox and WebKitGTK as hosts of the benchmarks. They do not tell the processor time of a page, so all times are by the clock.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchWebKit } from '../tests/browser/helpers/webdriver.js'
import { limit, orderForPage, serveFiles } from './hosts.js'
import { peer } from './install.js'

/** @typedef {import('./hosts.js').Host} Host */

const firefoxPath = () => process.env.FIREFOX ?? '/usr/bin/firefox'

/** A folder of its own for a browser's data. */
const profile = () => mkdtemp(join(tmpdir(), 'bench-'))

/** @param {string} folder */
const remove = (folder) => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })

/**
 * An answer, or why there is none.
 *
 * @param {Promise<import('./engines.js').Answer>} answer
 * @param {number} limitMs
 */
const within = (answer, limitMs) => Promise.race([answer, limit(limitMs)]).catch((error) => ({ failed: `the page died: ${error.message}` }))

/** @returns {Promise<Host>} */
export async function firefoxHost() {
  const { default: puppeteer } = await peer('puppeteer-core')
  const files = await serveFiles()
  const folder = await profile()
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefoxPath(), headless: true, userDataDir: folder, protocolTimeout: 3_600_000 })
  return {
    name: (await browser.version()).replace('firefox/', 'Firefox '),
    async start() {
      const context = await browser.createBrowserContext()
      const page = await context.newPage()
      await page.goto(`${files.origin}/bench/page.html`)
      await page.waitForFunction('globalThis.answer')
      return {
        ask: (order, limitMs) => within(page.evaluate((/** @type {any} */ sent) => /** @type {any} */ (globalThis).answer(sent), orderForPage(order)), limitMs),
        stop: () => Promise.race([context.close(), limit(5000)]).then(() => {}, () => {})
      }
    },
    async close() {
      await browser.close()
      files.close()
      await remove(folder)
    }
  }
}

/** Each worker is a browser of its own. @returns {Promise<Host>} */
export async function webKitHost() {
  const files = await serveFiles()
  const version = execFileSync('dpkg-query', ['--show', '--showformat', '${Version}', 'webkit2gtk-driver'], { encoding: 'utf8' }).match(/^[\d.]+/)?.[0]
  return {
    name: `WebKitGTK ${version}`,
    async start() {
      const folder = await profile()
      const browser = await launchWebKit(folder)
      await browser.open(`${files.origin}/bench/page.html`)
      await browser.run('while (globalThis.answer === undefined) await new Promise((done) => setTimeout(done, 20))')
      return {
        // What is undefined comes through the driver as null.
        ask: (order, limitMs) => within(browser.run('const { cpuMs, ...answer } = await globalThis.answer(args[0]); return answer', orderForPage(order)), limitMs),
        async stop() {
          await Promise.race([browser.close(), limit(10_000)])
          await remove(folder)
        }
      }
    },
    async close() {
      files.close()
    }
  }
}
