/**
 * Every snippet of README.md and of docs/, run as it stands there, in a fresh project with the packed tarball.
 *
 * Comments in the lines before a snippet may say more:
 *
 *     <!-- file: NAME -->       it is saved under this name; otherwise under any
 *     <!-- setup: COMMANDS -->  what a reader has by then, in shell
 *     <!-- before: CODE -->     what stands before a piece of JavaScript
 *     <!-- elsewhere: FILE -->  this file runs it, or what it shows
 *     <!-- offline: REASON -->  it can only be read: it names an address that does not exist
 *     <!-- ci -->               it runs this test
 *
 * The snippets of a document follow each other in one folder. Commands are run, JavaScript is run by Node.js, HTML is opened in
 * Chromium with this package in place of the CDN, JSON is parsed; other blocks are no programs.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { closeBrowser, installTarball, serve, visit } from './project.js'

const ROOT = new URL('../../', import.meta.url)
const TIMEOUT = 300_000
const PROGRAMS = ['sh', 'js', 'html', 'json']
const CDN = /https:\/\/cdn\.jsdelivr\.net\/npm\/linformer-wasm@([\d.]+)/g
const run = promisify(execFile)

let project
let tarball
const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))

before(async () => {
  ;({ folder: project, tarball } = await installTarball())
})
after(closeBrowser)

/** @param {string} text of a document */
function snippetsOf(text) {
  const found = []
  for (const { 1: comments, 2: language, 3: code, index } of text.matchAll(/^((?:<!-- [^\n]* -->\n)*)```(\w*)\n([^]*?)^```$/gm)) {
    const said = [...comments.matchAll(/^<!-- (.*) -->$/gm)].map(([, comment]) => {
      const [, key, value] = comment === 'ci' ? ['', 'elsewhere', 'CONTRIBUTING.md'] : /^(file|setup|before|elsewhere|offline): (.*)$/.exec(comment) ?? []
      assert.ok(key !== undefined, `what does ${comment} mean?`)
      return [key, value]
    })
    const line = text.slice(0, index).split('\n').length
    if (PROGRAMS.includes(language)) found.push({ line, language, code, ...Object.fromEntries(said) })
  }
  return found
}

/** Shell commands, with the tarball for the package. @returns {Promise<string>} the folder that they end in */
async function runShell(commands, cwd) {
  const end = join(dirname(project), 'cwd')
  const script = `set -euo pipefail
npm() { local all=(); for each in "$@"; do [[ $each == linformer-wasm ]] && each=$TARBALL; all+=("$each"); done; command npm "\${all[@]}"; }
${commands}
pwd > "$END"`
  const settings = { offline: 'false', prefer_offline: 'true', ignore_scripts: 'true', audit: 'false', fund: 'false', yes: 'false' }
  const env = { ...process.env, TARBALL: tarball, END: end, ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_config_${name}`, value])) }
  await run('bash', ['-c', script], { cwd, env, timeout: TIMEOUT, maxBuffer: 2 ** 26 }).catch(({ stderr, message }) => assert.fail(`${message}\n${stderr}`))
  return readFileSync(end, 'utf8').trim()
}

/** A page that imports from the CDN, or from the project's own folder. */
async function open(html, file, folder) {
  const cdn = await serve(join(project, 'node_modules/linformer-wasm'), undefined, { 'access-control-allow-origin': '*' })
  for (const [, named] of html.matchAll(CDN)) assert.equal(named, version)
  // Ends when the page has shown what it is for: the element its result, or a status that it is ready; or else has printed.
  const probe = `<script>
    const print = console.log
    console.log = (...all) => { print(...all); globalThis.answer = { printed: all } }
    addEventListener('result', ({ detail }) => { globalThis.answer = { printed: [detail] } })
    addEventListener('error', ({ message }) => { globalThis.answer = { error: message } }, true)
    addEventListener('unhandledrejection', ({ reason }) => { globalThis.answer = { error: String(reason) } })
    setInterval(() => { if (document.querySelector('[role=status]')?.textContent === 'Ready.') globalThis.answer ??= { printed: ['Ready.'] } }, 50)
  </script>`
  writeFileSync(join(folder, file), `<!doctype html><link rel="icon" href="data:,">${probe}${html.replaceAll(CDN, cdn.url.replace(/\/$/, ''))}`)
  const site = await serve(folder)
  try {
    const { printed, error, complaints } = await visit(`${site.url}${file}`)
    assert.deepEqual({ error, complaints }, { error: undefined, complaints: [] })
    return printed
  } finally {
    site.close()
    cdn.close()
  }
}

const names = ['README.md', ...readdirSync(new URL('docs/', ROOT)).filter((name) => name.endsWith('.md')).sort().map((name) => `docs/${name}`)]
for (const name of names) {
  const text = readFileSync(new URL(name, ROOT), 'utf8')
  const snippets = snippetsOf(text)
  if (snippets.length === 0) continue
  describe(name, () => {
    let folder
    before(async () => {
      folder = join(dirname(project), name.replace(/\W/g, '-'))
      mkdirSync(folder)
      // Where the document does not say how, the package has been installed.
      if (!/^npm install linformer-wasm$/m.test(text)) await runShell('npm init -y > /dev/null\nnpm install linformer-wasm', folder)
    })
    for (const { line, language, code, file, setup, before: first, elsewhere, offline } of snippets) {
      test(`line ${line}, ${language}`, async () => {
        if (elsewhere) return assert.ok(existsSync(new URL(elsewhere, ROOT)), elsewhere)
        if (setup) await runShell(setup, folder)
        if (language === 'sh') folder = await runShell(code, folder)
        if (language === 'json') JSON.parse(/^\s*[{[]/.test(code) ? code : `{${code}}`)
        if (language === 'html') assert.ok((await open(code, file ?? `line-${line}.html`, folder)).length > 0)
        if (language !== 'js') return
        const script = join(folder, file ?? `line-${line}.mjs`)
        writeFileSync(script, `${first ?? ''}\n${code}`)
        await run(process.execPath, [...offline ? ['--check'] : [], script], { cwd: folder, timeout: TIMEOUT }).catch(({ message }) => assert.fail(message))
      })
    }
  })
}

test('README.md is short, and its snippets are found', () => {
  const text = readFileSync(new URL('README.md', ROOT), 'utf8')
  assert.ok(text.split('\n').length <= 200)
  assert.deepEqual([...new Set(snippetsOf(text).map(({ language }) => language))].sort(), ['html', 'js', 'sh'])
})
