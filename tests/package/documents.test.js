/**
 * Reading documents as a user has installed it: nothing to add, nothing that runs on installing, and not heavy.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { installTarball, installTools, toolFile } from './project.js'

const run = promisify(execFile)
const MOST_BYTES = 25_000_000
const FILES = ['plain.pdf', 'cjk.pdf', 'minified.html', 'memo.rtf', 'review.docx', 'review.epub'].map((name) => resolve('tests/documents/files', name))
const NPM = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']

let project
let tarball

before(async () => {
  await installTools()
  ;({ folder: project, tarball } = await installTarball())
})

/** Holds the command to a result for each file, and to silence but for them. */
async function check(program, args, options = {}) {
  const { stdout, stderr } = await run(program, [...args, 'classify', '--json', ...FILES], { timeout: 120_000, ...options })
  assert.equal(stderr, '')
  assert.deepEqual(JSON.parse(stdout).map(({ id, error }) => [id, error]), FILES.map((file) => [file, undefined]))
}

test(`all that npm installs has at most ${MOST_BYTES} bytes, and no script to run`, (t) => {
  const folder = join(project, 'node_modules')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  const bytes = files.reduce((total, file) => total + statSync(file).size, 0)
  t.diagnostic(`${files.length} files, ${bytes} bytes`)
  assert.ok(bytes <= MOST_BYTES, String(bytes))
  for (const [name, { hasInstallScript }] of Object.entries(JSON.parse(readFileSync(join(folder, '.package-lock.json'), 'utf8')).packages)) assert.ok(!hasInstallScript, name)
})

for (const version of [20, 22, 24]) {
  test(`PDF, Word and the others on Node.js ${version}`, async () => {
    const node = toolFile(`node${version}-${process.platform}-${process.arch}/bin/node`)
    await check(node, [join(project, 'node_modules/linformer-wasm/bin/linformer.js')])
  })
}

test('installed for all, without what is optional; and by npx', async () => {
  const prefix = join(project, '../global')
  await run('npm', ['install', '--global', '--prefix', prefix, '--omit=optional', ...NPM, tarball])
  await check(join(prefix, 'bin/linformer'), [])
  const elsewhere = join(project, '../elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'package.json'), '{}')
  await check('npx', ['--yes', ...NPM, '--package', tarball, 'linformer'], { cwd: elsewhere })
})
