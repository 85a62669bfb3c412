/** Browsers for the tests, and the demo's own server to send them to. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import puppeteer from 'puppeteer-core'
import { createServer } from '../../../tools/serve.js'

/** @typedef {import('puppeteer-core').Browser} Browser */

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
const CHROMIUM_ARGS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-quic'
]

/** @param {string} file @param {string} variable */
export function mustExist(file, variable) {
  if (!existsSync(file)) throw new Error(`there is no browser at ${file}: run tools/setup.sh, or name another with ${variable}=/path/to/it`)
}

/**
 * @param {'chromium' | 'firefox'} name
 * @param {string} profile folder
 * @param {Record<string, unknown>} [preferences] of Firefox
 * @returns {Promise<Browser>}
 */
export async function launch(name, profile, preferences = {}) {
  if (name === 'firefox') {
    mustExist(FIREFOX, 'FIREFOX')
    return puppeteer.launch({ browser: 'firefox', executablePath: FIREFOX, userDataDir: profile, protocolTimeout: 240_000, extraPrefsFirefox: preferences })
  }
  mustExist(CHROMIUM, 'CHROMIUM')
  return puppeteer.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS, userDataDir: profile, protocolTimeout: 240_000 })
}

/**
 * The demo's server on a free port.
 *
 * @param {import('node:http').Server} [server]
 * @returns {Promise<{ origin: string, close: () => void }>}
 */
export async function serve(server = createServer()) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}

/** A folder for profiles and files, and its removal. */
export async function temporaryFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), 'demo-'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) }
}
