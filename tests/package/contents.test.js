/**
 * What is in the packed tarball, and whether tools that read packages agree with it.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pdfOf } from '../js/helpers/pdf.js'
import { freshProject, importTool, installTarball, installTools, outputOf, toolFile } from './project.js'

const MOST_FILES = 200
const MOST_ENGINE_BYTES = 440_000 // of a tarball without models
const MOST_BYTES = 15 * 2 ** 20 // unpacked
const MOST_MODEL_BYTES = 8e6 // each
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
const TYPE_ROOTS = join(TSC, '../../../@types')

let project
let tarball
let installed

before(async () => {
  await installTools()
  ;({ folder: project, tarball } = await installTarball())
  installed = join(project, 'node_modules/linformer-wasm')
})

const filesOf = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())

test(`at most ${MOST_FILES} files, ${MOST_ENGINE_BYTES} bytes without models, ${MOST_MODEL_BYTES} for each model`, async (t) => {
  const files = filesOf(installed).map(({ name, parentPath, path }) => join(parentPath ?? path, name))
  t.diagnostic(`${files.length} files`)
  assert.ok(files.length <= MOST_FILES, files.join(' '))
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  t.diagnostic(`${bytes} bytes unpacked`)
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`)
  for (const name of readdirSync(join(installed, 'models'))) {
    assert.match(name, /\.(safetensors|md|json)$/)
    assert.ok(statSync(join(installed, 'models', name)).size <= MOST_MODEL_BYTES, name)
  }
  const engine = join(project, '../engine')
  cpSync(installed, engine, { recursive: true })
  for (const name of ['models', 'documents', 'examples']) rmSync(join(engine, name), { recursive: true })
  const [{ size, unpackedSize }] = JSON.parse(await outputOf('npm', ['pack', '--json', '--dry-run', '--ignore-scripts'], engine))
  t.diagnostic(`without models ${size} bytes packed, ${unpackedSize} unpacked`)
  assert.ok(size <= MOST_ENGINE_BYTES)
})

test('nothing of the workshop is in it', () => {
  const names = readdirSync(installed).sort()
  assert.deepEqual(names, ['LICENSE', 'README.md', 'bin', 'documents', 'examples', 'models', 'package.json', 'wasm'])
  assert.deepEqual(readdirSync(join(installed, 'examples')).sort(), ['letters', 'new-letters'])
  for (const { name, parentPath, path } of filesOf(installed)) if (!(parentPath ?? path).startsWith(join(installed, 'examples'))) assert.match(name, /\.(js|d\.ts|wasm|json|md|safetensors|zip|1)$|^LICENSE$/)
})

test('for CDNs each entry is one file, which imports nothing', () => {
  const { jsdelivr, unpkg } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  assert.equal(jsdelivr, unpkg)
  assert.ok(existsSync(join(installed, jsdelivr)))
  const names = readdirSync(join(installed, 'wasm/cdn'))
  for (const name of ['element.js', 'index.js', 'worker.js', 'worker-host.js', 'thread.js']) assert.ok(names.includes(name), name)
  for (const name of names) assert.doesNotMatch(readFileSync(join(installed, 'wasm/cdn', name), 'utf8'), /\bfrom ?["']|\bimport ?["'(]/)
})

test('publint has nothing to say', async () => {
  const { publint } = await importTool('publint')
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true })
  assert.deepEqual(messages, [])
})

test('are the types wrong? no', async () => {
  const cli = toolFile('@arethetypeswrong/cli/dist/index.js')
  // esm-only: what CommonJS gets by require is the ES module, in every Node.js that is supported.
  await outputOf(process.execPath, [cli, tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'package.json', '--no-color'], project)
    .catch(({ stdout }) => assert.fail(stdout))
})

test('the command line of the tarball', async () => {
  const folder = freshProject(project, 'command', [], { 'a.txt': 'An excellent film.', 'b.html': '<p>A dreadful film.' })
  writeFileSync(join(folder, 'c.pdf'), pdfOf(['A page.']))
  const linformer = join(folder, 'node_modules/.bin/linformer')
  const answers = await outputOf(linformer, ['classify', '--json', '.'], folder)
  assert.deepEqual(JSON.parse(answers).map(({ id, error }) => [id, error]), [
    ['a.txt', undefined], ['b.html', undefined], ['c.pdf', undefined]
  ])
  const { man, version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  assert.match(readFileSync(join(installed, man), 'utf8'), /^\.TH LINFORMER 1$/m)
  assert.equal(await outputOf(linformer, ['--version'], folder), `${version}\n`)
})

const lib = ['ES2022']
for (const [name, options] of Object.entries({
  'a bundler and the DOM': { module: 'ESNext', moduleResolution: 'bundler', lib: [...lib, 'DOM'], types: [] },
  'a bundler and the newest of everything': { module: 'ESNext', moduleResolution: 'bundler', lib: ['ESNext', 'DOM'], types: [] },
  'Node.js without the DOM': { module: 'NodeNext', moduleResolution: 'NodeNext', lib, types: ['node'], typeRoots: [TYPE_ROOTS] },
  'the old resolution of Node.js': { module: 'ESNext', moduleResolution: 'node10', lib: [...lib, 'DOM'], types: [] },
  'a web worker': { module: 'ESNext', moduleResolution: 'bundler', lib: [...lib, 'WebWorker'], types: [] }
})) {
  test(`types: ${name}`, async () => {
    const config = { compilerOptions: { target: 'ES2022', strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true, skipLibCheck: false, ...options }, files: ['types.ts'] }
    const folder = freshProject(project, `types-${name.replace(/\W+/g, '-')}`, ['types.ts'], { 'tsconfig.json': JSON.stringify(config) })
    const output = await outputOf(process.execPath, [options.moduleResolution === 'node10' ? toolFile('typescript/bin/tsc') : TSC, '-p', '.', '--pretty', 'false'], folder).catch(({ stdout }) => stdout)
    assert.equal(output, '')
  })
}
