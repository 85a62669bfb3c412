/**
 * Fresh projects with the packed tarball installed, a server for what bundlers build of them, and a browser.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import puppeteer from 'puppeteer-core'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = join(HERE, '../..')
/** The tools have a manifest of their own: bundlers and runtimes are large, and only these tests want them. */
const TOOLS = join(HERE, 'tools')
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** As strict as a page with WebAssembly can be. */
export const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; img-src data:"

/** What threads need: a page that is cross-origin isolated. */
export const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }

const run = promisify(execFile)

/** Installs the tools of tools/package-lock.json, unless they are there. Two test files may do so at once: the first to finish is taken. */
export async function installTools() {
  const modules = join(TOOLS, 'node_modules')
  const lock = join(TOOLS, 'package-lock.json')
  const isCurrent = () => {
    const installed = join(modules, '.package-lock.json')
    return existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs
  }
  if (isCurrent()) return
  mkdirSync(join(ROOT, 'build'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, 'build/tools-'))
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(TOOLS, file), join(folder, file))
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder })
  if (!isCurrent()) {
    rmSync(modules, { recursive: true, force: true })
    renameSync(join(folder, 'node_modules'), modules)
  }
  rmSync(folder, { recursive: true })
}

/** Resolves among the tools. */
export const tools = createRequire(join(TOOLS, 'package.json'))

/** The path of a file of a tool. @param {string} path below node_modules */
export function toolFile(path) {
  const file = join(TOOLS, 'node_modules', path)
  if (!existsSync(file)) throw new Error(`${file} is missing: has its package no build for ${process.platform} ${process.arch}?`)
  return file
}

/** A tool as an ES module. @param {string} name */
export const importTool = (name) => import(tools.resolve(name))

/**
 * Packs the package and installs it in a project, with npm, as its users do.
 *
 * @returns {Promise<{ folder: string, tarball: string }>}
 */
export async function installTarball() {
  const base = mkdtempSync(join(tmpdir(), 'linformer-package-'))
  await run('npm', ['pack', '--silent', '--pack-destination', base], { cwd: ROOT })
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const tarball = join(base, `linformer-wasm-${version}.tgz`)
  const folder = join(base, 'project')
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n')
  await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball], { cwd: folder })
  return { folder, tarball }
}

/**
 * A copy of a project, with fixtures in it.
 *
 * @param {string} project
 * @param {string} name
 * @param {string[]} fixtures
 * @param {Record<string, string>} [files] further ones, with their text
 */
export function freshProject(project, name, fixtures, files = {}) {
  const folder = join(dirname(project), name)
  cpSync(project, folder, { recursive: true })
  for (const file of ['classify.js', ...fixtures]) cpSync(join(HERE, 'fixtures', file), join(folder, file))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

/** A page for a script. @param {string} script */
export const page = (script) => `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>\n`

/** Puts the shipped model where a site has it. @param {string} project @param {string} to */
export function copyModel(project, to) {
  mkdirSync(to, { recursive: true })
  cpSync(join(project, 'node_modules/linformer-wasm/models/sentiment.safetensors'), join(to, 'sentiment.safetensors'))
}

/** Serves a folder under a policy, if there is one. @param {string} folder @param {string} [policy] @param {Record<string, string>} [headers] */
export async function serve(folder, policy, headers = {}) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname)
    const file = join(folder, path === '/' ? 'index.html' : path)
    if (policy !== undefined) response.setHeader('content-security-policy', policy)
    for (const [name, value] of Object.entries({ ...ISOLATION, ...headers })) response.setHeader(name, value)
    if (!existsSync(file)) response.writeHead(404).end('<!doctype html><title>404</title>')
    else response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.closeAllConnections()
      server.close()
    }
  }
}

let browser

/** Opens a page and waits for its answer. @param {string} url */
export async function visit(url) {
  browser ??= await puppeteer.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
  const tab = await browser.newPage()
  const complaints = []
  tab.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
  tab.on('pageerror', (error) => complaints.push(String(error)))
  try {
    await tab.goto(url)
    await tab.waitForFunction('globalThis.answer !== undefined', { timeout: 120_000 })
    const answer = await tab.evaluate('globalThis.answer')
    return { ...answer, complaints }
  } catch (error) {
    throw new Error(`${url} gave no answer: ${complaints.join('; ') || error}`)
  } finally {
    await tab.close()
  }
}

/** Serves a folder and opens it. @param {string} folder @param {string} [policy] */
export async function visitFolder(folder, policy = POLICY) {
  const server = await serve(folder, policy)
  try {
    return await visit(server.url)
  } finally {
    server.close()
  }
}

export const closeBrowser = () => browser?.close()

/** Runs a program that prints its answer. @param {string} program @param {string[]} args @param {string} cwd */
export const answerOf = async (program, args, cwd) => JSON.parse(await outputOf(program, args, cwd))

/** Runs a program. @param {string} program @param {string[]} args @param {string} cwd @returns {Promise<string>} its standard output */
export const outputOf = async (program, args, cwd) => (await run(program, args, { cwd, timeout: 300_000 })).stdout

/**
 * Runs workerd with a configuration, and asks it once.
 *
 * @param {string} program
 * @param {string} config
 */
export async function askWorkerd(program, config) {
  const child = spawn(program, ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'inherit', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (part) => { stderr += part })
  try {
    const port = await new Promise((resolve, reject) => {
      let text = ''
      child.stdio[3].on('data', (part) => {
        text += part
        for (const line of text.split('\n').slice(0, -1)) {
          const { event, socket, port } = JSON.parse(line)
          if (event === 'listen' && socket === 'http') resolve(port)
        }
      })
      child.once('exit', (status) => reject(new Error(`workerd ended with ${status}: ${stderr}`)))
    })
    return await (await fetch(`http://127.0.0.1:${port}/`)).json()
  } finally {
    child.kill()
  }
}
