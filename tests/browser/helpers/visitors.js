/** The three engines of browsers behind one small interface, for tests that do the same in all of them. */
import path from 'node:path'
import { launch } from './browsers.js'
import { launchWebKit } from './webdriver.js'

const PATIENCE = 180_000 // milliseconds, for what takes one or two: a machine may have other things to do

/**
 * @typedef {object} Visitor
 * @property {(url: string) => Promise<unknown>} open
 * @property {(script: string, ...args: unknown[]) => Promise<any>} run the body of an async function, with `args`
 * @property {() => Promise<unknown>} close
 */

/**
 * @param {'chromium' | 'firefox'} name
 * @param {string} folder
 * @param {Record<string, unknown>} [preferences]
 * @returns {Promise<Visitor>}
 */
async function visit(name, folder, preferences) {
  const browser = await launch(name, path.join(folder, name), preferences)
  const page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE)
  return {
    open: (url) => page.goto(url),
    run: (script, ...args) => page.evaluate(`(async (...args) => { ${script} })(...${JSON.stringify(args)})`),
    close: () => browser.close()
  }
}

/** Starts each, with a folder for its data. */
export const VISITORS = {
  chromium: (/** @type {string} */ folder) => visit('chromium', folder),
  // See OFFLINE in engines.test.js.
  firefox: (/** @type {string} */ folder) => visit('firefox', folder, { 'dom.serviceWorkers.enabled': false }),
  webkit: launchWebKit
}
