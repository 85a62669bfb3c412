/**
 * Where variants run: child processes of Node.js, or pages of Chromium. Other browsers: browsers.js.
 */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, relative, resolve } from 'node:path'
import { folder, nodePath, peer } from './install.js'
import { NO_VNNI } from './machine.js'

/**
 * @typedef {import('./engines.js').Order} Order
 * @typedef {import('./engines.js').Answer & { peakRss?: number }} Answer
 *
 * @typedef {object} Worker one process or page
 * @property {(order: Order, limitMs: number) => Promise<Answer>} ask an answer with `failed` if it takes longer or dies
 * @property {() => Promise<void>} stop
 *
 * @typedef {object} Host
 * @property {string} name
 * @property {() => Promise<Worker>} start
 * @property {() => Promise<void>} close
 */

const root = resolve(folder, '..')

/** @param {number} ms @returns {Promise<Answer>} */
export const limit = (ms) => new Promise((done) => setTimeout(() => done({ failed: `over ${Math.round(ms / 1000)} s` }), ms).unref())

/** @param {{ vnni?: boolean }} [options] vnni: false does without AVX-VNNI @returns {Promise<Host>} */
export async function nodeHost({ vnni = true } = {}) {
  const execPath = nodePath()
  const version = execFileSync(execPath, ['--version'], { encoding: 'utf8' }).trim()
  const execArgv = Number(version.slice(1, 3)) < 22 ? ['--experimental-wasm-relaxed-simd'] : []
  if (!vnni) execArgv.push(NO_VNNI)
  return {
    name: `Node.js ${version.slice(1)}`,
    async start() {
      const child = fork(`${folder}child.js`, { execPath, execArgv, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      /** @type {Promise<Answer>} */
      const died = once(child, 'exit').then(([code, signal]) => ({ failed: `the process ended with ${signal ?? code}` }))
      return {
        ask(order, limitMs) {
          if (child.connected) child.send(order)
          return Promise.race([once(child, 'message').then(([answer]) => answer), died, limit(limitMs)])
        },
        async stop() {
          child.kill('SIGKILL')
          await died
        }
      }
    },
    async close() {}
  }
}

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }

/**
 * Serves the repository's files, cross-origin isolated: without that, a page has no threads.
 *
 * @returns {Promise<{ origin: string, served: string[], close: () => void }>} served: the files so far
 */
export async function serveFiles() {
  /** @type {string[]} */
  const served = []
  const server = createServer((request, response) => {
    const path = resolve(root, `.${decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname)}`)
    if (relative(root, path).startsWith('..') || !existsSync(path)) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, {
      'content-type': /** @type {Record<string, string>} */ (TYPES)[extname(path)] ?? 'application/octet-stream',
      'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp', 'cache-control': 'no-store'
    })
    served.push(path)
    createReadStream(path).pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { origin: `http://127.0.0.1:${port}`, served, close: () => server.close() }
}

export const chromiumPath = () => process.env.CHROMIUM ?? '/usr/bin/chromium'

/** @param {{ vnni?: boolean }} [options] vnni: false does without AVX-VNNI @returns {Promise<any>} a browser of puppeteer-core */
export async function launchChromium({ vnni = true } = {}) {
  const { default: puppeteer } = await peer('puppeteer-core')
  return puppeteer.launch({
    executablePath: chromiumPath(), headless: true, protocolTimeout: 3_600_000,
    args: [...vnni ? [] : [`--js-flags=${NO_VNNI}`], '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
}

/**
 * What a page is sent: the file's path as the server has it.
 *
 * @param {Order} order
 * @returns {Order}
 */
export const orderForPage = (order) =>
  'file' in order ? { ...order, file: `/${relative(root, order.file).replaceAll('\\', '/')}` } : order

/** @param {{ vnni?: boolean }} [options] vnni: false does without AVX-VNNI @returns {Promise<Host>} */
export async function chromiumHost({ vnni = true } = {}) {
  const files = await serveFiles()
  const browser = await launchChromium({ vnni })
  return {
    name: (await browser.version()).replace(/^Headless/, '').replace('/', ' '),
    async start() {
      const context = await browser.createBrowserContext() // a context has its own processes
      const page = await context.newPage()
      await page.goto(`${files.origin}/bench/page.html`)
      await page.waitForFunction('globalThis.answer')
      const session = await page.createCDPSession()
      await session.send('Performance.enable')
      const threadMs = async () => {
        const { metrics } = await session.send('Performance.getMetrics')
        return 1000 * metrics.find((/** @type {any} */ { name }) => name === 'ThreadTime').value
      }
      return {
        ask(order, limitMs) {
          const run = async () => {
            const before = await threadMs()
            const answer = await page.evaluate((/** @type {any} */ sent) => /** @type {any} */ (globalThis).answer(sent), orderForPage(order))
            return { ...answer, cpuMs: await threadMs() - before }
          }
          return Promise.race([run(), limit(limitMs)]).catch((error) => ({ failed: `the page died: ${error.message}` }))
        },
        stop: () => Promise.race([context.close(), limit(5000)]).then(() => {}, () => {})
      }
    },
    async close() {
      await browser.close()
      files.close()
    }
  }
}
