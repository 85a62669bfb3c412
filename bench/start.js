/**
 * Cold start: from the start of a process, or of the navigation to a page, to the first label of a shipped model, and
 * the bytes that the page had to fetch.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompressSync, constants } from 'node:zlib'
import { load, writeSafetensors } from '../wasm/node.js'
import { fileAt, writeTflite } from './files.js'
import { launchChromium, serveFiles } from './hosts.js'
import { folder, nodePath } from './install.js'
import { onnxFile } from './onnx.js'
import { shippedModel, tokenizerJson } from './shipped.js'
import { summarise } from './statistics.js'
import { startText } from './first-label.js'

export const MODEL = resolve(folder, '../models/sentiment.safetensors')

/**
 * @typedef {{ label: string, ms: number }} First
 * @typedef {{ engine: string, label: string, ms: import('./statistics.js').Summary }} Start
 * @typedef {{ path: string, bytes: number, brotli: number }} Fetched
 */

const ENGINES = ['linformer-wasm', 'onnxruntime-web']

/** Writes what the peers need for the shipped model and that one text: their best case, int8 and no spare row. @returns its ONNX's model */
async function preparePeers() {
  const classifier = await load(MODEL)
  const { tokens } = await classifier.classify(startText)
  classifier.dispose()
  const model = shippedModel(MODEL, tokens)
  writeFileSync(fileAt('shipped.onnx'), onnxFile(model, 'int8'))
  writeFileSync(fileAt('shipped-tokenizer.json'), JSON.stringify(tokenizerJson(MODEL)))
  return model
}

/** Size after brotli at its best, remembered: the peer's module takes a minute. @param {string} path @returns {Fetched} */
function sizeOf(path) {
  const content = readFileSync(path)
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 16)
  const note = fileAt(`brotli-${digest}`)
  if (!existsSync(note)) {
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }
    writeFileSync(note, String(brotliCompressSync(content, options).length))
  }
  return { path: relative(resolve(folder, '..'), path), bytes: content.length, brotli: Number(readFileSync(note, 'utf8')) }
}

/** @param {Record<string, First[]>} all @returns {Start[]} */
const summaries = (all) => Object.entries(all).map(([engine, firsts]) => ({ engine, label: firsts[0].label, ms: summarise(firsts.map(({ ms }) => ms)) }))

/**
 * @param {number} rounds
 * @returns {Promise<Start[]>}
 */
export async function startInNode(rounds) {
  await preparePeers()
  /** @type {Record<string, First[]>} */
  const all = Object.fromEntries(ENGINES.map((engine) => [engine, []]))
  for (let round = 0; round < rounds; round++) {
    for (const engine of ENGINES) {
      const { stdout } = await promisify(execFile)(nodePath(), [`${folder}start-node.js`, engine])
      all[engine].push(JSON.parse(stdout))
    }
  }
  return summaries(all)
}

/**
 * @param {number} rounds
 * @param {string} [python] that makes LiteRT.js's model
 * @returns {Promise<(Start & { fetched: Fetched[] })[]>}
 */
export async function startInChromium(rounds, python = 'python3') {
  const { config, weights } = await preparePeers()
  /** @type {[string, import('../wasm/index.js').Tensor][]} */
  const tensors = [...weights].map(([name, { shape, data }]) => [name, { dtype: 'F32', shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }])
  writeFileSync(fileAt('shipped.safetensors'), writeSafetensors(tensors, { config: JSON.stringify(config) }))
  writeTflite(fileAt('shipped.safetensors'), 'int8', fileAt('shipped.tflite'), python)
  const engines = [...ENGINES, 'LiteRT.js']
  const files = await serveFiles()
  const browser = await launchChromium()
  /** @type {Record<string, First[]>} */
  const all = Object.fromEntries(engines.map((engine) => [engine, []]))
  /** @type {Record<string, string[]>} */
  const fetched = {}
  for (let round = 0; round < rounds; round++) {
    for (const engine of engines) {
      const context = await browser.createBrowserContext()
      const page = await context.newPage()
      files.served.length = 0
      await page.goto(`${files.origin}/bench/start.html?${engine}`)
      await page.waitForFunction('globalThis.first', { timeout: 60_000 })
      all[engine].push(await page.evaluate('globalThis.first'))
      fetched[engine] = files.served.filter((path) => !path.endsWith('favicon.ico'))
      await context.close()
    }
  }
  await browser.close()
  files.close()
  return summaries(all).map((start) => ({ ...start, fetched: fetched[start.engine].map(sizeOf) }))
}

