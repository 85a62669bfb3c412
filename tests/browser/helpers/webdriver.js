/**
 * WebKitGTK for the tests, through its driver: the few commands of the WebDriver protocol (W3C) that they need, and the
 * display that the browser wants.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mustExist } from './browsers.js'

const DRIVER = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver'
const DISPLAY_SERVER = process.env.XVFB ?? '/usr/bin/Xvfb'

/**
 * @param {string} folder for the browser's data
 * @returns {Promise<{ run: (script: string, ...args: unknown[]) => Promise<any>, open: (url: string) => Promise<void>, close: () => Promise<void> }>}
 */
export async function launchWebKit(folder) {
  mustExist(DRIVER, 'WEBKIT_DRIVER')
  mustExist(DISPLAY_SERVER, 'XVFB')
  // The display server picks a free number and writes it to the file descriptor.
  const display = spawn(DISPLAY_SERVER, ['-displayfd', '3', '-screen', '0', '1280x1000x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const [number] = await once(/** @type {import('node:stream').Readable} */ (display.stdio[3]), 'data')
  const env = {
    ...process.env, DISPLAY: `:${String(number).trim()}`, HOME: folder, XDG_DATA_HOME: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder,
    XDG_RUNTIME_DIR: folder, GDK_BACKEND: 'x11', LIBGL_ALWAYS_SOFTWARE: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1', NO_AT_BRIDGE: '1',
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' // a sandbox in a container needs rights that a test does not
  }
  const port = await freePort()
  const driver = spawn(DRIVER, [`--port=${port}`, '--host=127.0.0.1'], { env, stdio: 'ignore' })
  const base = `http://127.0.0.1:${port}`

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  const call = async (method, path, body) => {
    const response = await fetch(`${base}${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) })
    const { value } = /** @type {any} */ (await response.json())
    if (!response.ok) throw new Error(`${method} ${path}: ${value?.error}: ${value?.message}`)
    return value
  }
  for (let attempt = 0; ; attempt++) {
    try {
      await call('GET', '/status')
      break
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const stop = async () => {
    for (const child of [driver, display]) {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  }
  const { sessionId } = await call('POST', '/session', { capabilities: { alwaysMatch: { timeouts: { script: 180_000, pageLoad: 180_000 } } } }).catch(async (error) => {
    await stop()
    throw error
  })
  const session = `/session/${sessionId}`
  return {
    open: (url) => call('POST', `${session}/url`, { url }),
    // The script is the body of an async function; what it returns is the answer.
    run: (script, ...args) => call('POST', `${session}/execute/async`, {
      script: `const done = arguments[arguments.length - 1]; const args = [...arguments].slice(0, -1);
        (async (...args) => { ${script} })(...args).then((value) => done({ value }), (error) => done({ error: String(error && error.stack || error) }))`,
      args
    }).then(({ value, error }) => {
      if (error !== undefined) throw new Error(error)
      return value
    }),
    close: async () => {
      await call('DELETE', session).catch(() => {})
      await stop()
    }
  }
}

async function freePort() {
  const { createServer } = await import('node:net')
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  return port
}
