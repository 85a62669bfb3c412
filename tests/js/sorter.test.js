/**
 * The folder sorter of examples/, as its user runs it.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'

const LETTERS = 'examples/letters'
const NEW = 'examples/new-letters'

/** A project with the sorter, an archive and an inbox. */
async function project(t) {
  const folder = await mkdtemp(join(tmpdir(), 'linformer-sorter-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await cp('examples/sorter', folder, { recursive: true })
  await mkdir(join(folder, 'node_modules'))
  await symlink(resolve('.'), join(folder, 'node_modules/linformer-wasm'))
  await cp(LETTERS, join(folder, 'archive'), { recursive: true })
  await mkdir(join(folder, 'inbox'))
  return folder
}

const run = (folder, ...args) => promisify(execFile)(process.execPath, ['sorter.js', ...args], { cwd: folder })
const filesIn = async (folder) => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length

test('a dry run changes nothing; --move files, overwrites nothing, and leaves what cannot be read', async (t) => {
  const folder = await project(t)
  const labels = await readdir(NEW)
  for (const label of labels) await cp(join(NEW, label), join(folder, 'inbox'), { recursive: true })
  await writeFile(join(folder, 'inbox/broken.pdf'), '%PDF-1.7 and no more')
  await writeFile(join(folder, 'inbox/half.txt.part'), 'half')
  const inbox = (await readdir(join(folder, 'inbox'))).sort()
  const before = await filesIn(join(folder, 'archive'))

  const dry = await run(folder, '--once', '--least', '0', '--typical', '0', 'archive', 'inbox').catch((error) => error)
  assert.equal(dry.code, 1, 'a document could not be read')
  assert.match(dry.stdout, /^nothing is moved.*\nlearned from 32 documents with 4 labels; of held-out ones \d+% were right\n/)
  assert.equal(dry.stdout.match(/^would file /gm).length, inbox.length - 2)
  assert.match(dry.stdout, /^left {6}broken\.pdf: /m)
  assert.deepEqual((await readdir(join(folder, 'inbox'))).sort(), inbox)

  // The same name is there already, in every label.
  const [first] = inbox.filter((name) => name.endsWith('.txt'))
  for (const label of await readdir(join(folder, 'archive'))) await writeFile(join(folder, 'archive', label, first), `An older document about ${label}.`)
  const moved = await run(folder, '--once', '--move', '--least', '0', '--typical', '0', 'archive', 'inbox').catch((error) => error)
  assert.equal(moved.stdout.match(/^filed /gm).length, inbox.length - 2)
  assert.deepEqual((await readdir(join(folder, 'inbox'))).sort(), ['broken.pdf', 'half.txt.part'])
  assert.equal(await filesIn(join(folder, 'archive')), before + 4 + inbox.length - 2 + 1, 'and the note')
  const filed = JSON.parse(await readFile(join(folder, 'archive/.filed.json'), 'utf8'))
  assert.equal(filed.length, inbox.length - 2)
  assert.ok(filed.some((name) => name.endsWith(`/${first.replace('.txt', ' (2).txt')}`)), filed.join())

  // What it has filed itself is no example; what a person has moved is.
  const [from] = filed
  const [label, name] = from.split('/')
  await rename(join(folder, 'archive', from), join(folder, 'archive', labels.find((each) => each !== label), `moved-${name}`))
  assert.match((await run(folder, '--once', 'archive', 'inbox').catch((error) => error)).stdout, /learned from 37 documents/)
})

test('it watches, files what has arrived whole, and learns when somebody moves it', async (t) => {
  const folder = await project(t)
  const child = spawn(process.execPath, ['sorter.js', '--move', '--least', '0', '--typical', '0', '--every', '0.2', 'archive', 'inbox'], { cwd: folder })
  t.after(() => child.kill())
  let printed = ''
  child.stdout.on('data', (text) => { printed += text })
  child.stderr.on('data', (text) => { printed += text })
  const until = async (pattern) => {
    for (let i = 0; i < 1200 && !pattern.test(printed); i++) await new Promise((next) => setTimeout(next, 100))
    assert.match(printed, pattern)
  }
  await until(/learned from 32 documents/)
  await writeFile(join(folder, 'inbox/tap.txt'), 'The kitchen tap drips all night. Please send a plumber to repair it.')
  await until(/filed {5}tap\.txt -> (\w+)/)
  const [, label] = /filed {5}tap\.txt -> (\w+)/.exec(printed)
  assert.deepEqual(await readdir(join(folder, 'inbox')), [])
  await rename(join(folder, 'archive', label, 'tap.txt'), join(folder, 'archive', label === 'rent' ? 'repairs' : 'rent', 'tap.txt'))
  await until(/learned from 33 documents/)
})

test('what it is asked for wrongly is refused with the reason', async (t) => {
  const folder = await project(t)
  for (const [args, reason] of [
    [[], /two folders are needed/], [['archive', 'none'], /none is no folder/], [['--least', '2', 'archive', 'inbox'], /--least is 2/],
    [['archive', 'archive/rent'], /inbox must not/], [['--wrong', 'archive', 'inbox'], /--wrong/]
  ]) {
    await assert.rejects(run(folder, ...args), ({ code, stderr }) => code === 2 && reason.test(stderr))
  }
  await assert.rejects(run(folder, '--once', 'inbox', 'archive'), ({ code, stderr }) => code === 1 && /two labels with 2 documents each/.test(stderr))
})
