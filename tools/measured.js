#!/usr/bin/env node
/**
 * Writes web/chapters/measured.js, what the page shows of speed and memory until its visitor has measured:
 * `node tools/measured.js`, with Chromium (CHROMIUM=/path/to/it names another), on a machine that does nothing else.
 *
 * It asks the page's own worker, as the button "Measure on this machine" does.
 */
import { writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import puppeteer from 'puppeteer-core'
import { createServer } from './serve.js'
import { REPOSITORY } from './site.js'

const LENGTHS = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
const RUNS = 7

const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', protocolTimeout: 0,
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
})
try {
  const page = await browser.newPage()
  page.on('console', (message) => console.error(message.text()))
  await page.goto(`http://127.0.0.1:${port}/`)
  const points = await page.evaluate(async (lengths, runs) => {
    /** @type {unknown[]} */
    const points = []
    const address = new URL('workers/messenger.js', document.baseURI).href
    const { Messenger } = /** @type {typeof import('../web/workers/messenger.js')} */ (await import(address))
    await new Messenger(new URL('workers/complexity.js', document.baseURI)).call('measure', { lengths, runs }, {
      onProgress({ point }) {
        if (point === undefined) return
        point.milliseconds = Number(point.milliseconds.toPrecision(4))
        points.push(point)
        console.log(JSON.stringify(point))
      }
    })
    return points
  }, LENGTHS, RUNS)
  const cores = os.cpus()
  const machine = `${(await browser.version()).replace(/^Headless/, '').replace(/(\d+)\..*/, '$1').replace('/', ' ')}, ${cores[0].model.replace(/\((R|TM)\)/g, '').replace(/\s+/g, ' ').trim()}, ${cores.length} cores`
  const date = new Date().toISOString().slice(0, 10)
  await writeFile(path.join(REPOSITORY, 'web/chapters/measured.js'), `/** Written by \`node tools/measured.js\`: what the page shows until the visitor has measured. */

/** @type {{ machine: string, date: string, points: import('../workers/complexity.js').Point[] }} */
export const STORED = {
  machine: ${JSON.stringify(machine).replaceAll('"', "'")},
  date: '${date}',
  points: [
${points.map((point) => `    ${JSON.stringify(point).replace(/"(\w+)":/g, ' $1: ').replaceAll('"', "'").replace('}', ' }')}`).join(',\n')}
  ]
}
`)
} finally {
  await browser.close()
  server.closeAllConnections()
  server.close()
}
