/**
 * What a disk may do: be full, in the midst of a result too, or lose a file that is being read. Nothing is cut in silence.
 *
 * A full disk is /dev/full, which takes nothing, and the shell's limit for the size of files, up to which a write succeeds
 * in part as it does on a disk that fills up.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { load } from 'linformer-wasm'
import { tiny } from './helpers/models.js'

const folder = await mkdtemp(join(tmpdir(), 'linformer-disk-'))
test.after(() => rm(folder, { recursive: true }))
const at = (name) => join(folder, name)
const model = at('tiny.safetensors')
await writeFile(model, tiny())
const lines = (count, length = 20) => Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, text: 'word '.repeat(length / 5) })}\n`).join('')

/** Runs a line of bash with the arguments "$@". */
async function bash(line, ...args) {
  const child = spawn('bash', ['-c', line, 'bash', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (part) => { stdout += part })
  child.stderr.on('data', (part) => { stderr += part })
  const [status] = await once(child, 'close')
  return { status, stdout, stderr }
}

const CLI = [process.execPath, 'bin/linformer.js']
const MESSAGE = /^linformer: the results could not be written \((ENOSPC|EFBIG): [^\n]*\n$/

test('a disk that is full: every command says so in a line, and fails', async () => {
  await writeFile(at('lines.jsonl'), lines(5))
  await writeFile(at('text.txt'), 'A text.')
  for (const args of [['--help'], ['--version'], ['classify', '--help'], ['inspect', model], ['completion', 'bash'],
    ['classify', '-m', model, at('text.txt')], ['classify', '-m', model, '--json', at('text.txt')], ['classify', '-m', model, '--jsonl', at('lines.jsonl')]]) {
    const { status, stderr } = await bash('"$@" >/dev/full', ...CLI, ...args)
    assert.match(stderr, MESSAGE, args.join(' '))
    assert.equal(status, 1)
  }
})

test('a disk that fills up: the results until then are whole, whichever of them is the last', async () => {
  await writeFile(at('many.jsonl'), lines(40))
  const whole = await bash('"$@"', ...CLI, 'classify', '-m', model, '--jsonl', at('many.jsonl'))
  const results = whole.stdout.split('\n').slice(0, -1)
  assert.equal(results.length, 40)
  let bytes = 0
  const most = results.findIndex((line) => (bytes += line.length + 1) > 1024) // the first that finds no room
  for (const count of [most, most + 1, most + 2, 40]) {
    await writeFile(at('many.jsonl'), lines(count))
    const { status, stderr } = await bash('ulimit -f 1; out=$1; shift; "$@" >"$out"', at('out.jsonl'), ...CLI, 'classify', '-m', model, '--jsonl', at('many.jsonl'))
    const written = readFileSync(at('out.jsonl'), 'utf8').split('\n')
    assert.deepEqual(written.slice(0, most), results.slice(0, most))
    assert.equal(status, count > most ? 1 : 0, `${count} documents: ${stderr}`)
    if (count > most) assert.match(stderr, MESSAGE)
    else assert.deepEqual([written.length, stderr], [most + 1, ''])
  }
})

test('no room for messages: the results come all the same', async () => {
  await writeFile(at('mixed.jsonl'), `not JSON\n${lines(2)}`)
  const { status, stdout } = await bash('"$@" 2>/dev/full', ...CLI, 'classify', '-m', model, '--jsonl', at('mixed.jsonl'))
  assert.equal(status, 1)
  assert.deepEqual(stdout.trim().split('\n').map((line) => JSON.parse(line).id), [null, 0, 1])
})

test('no room for the cache: the model is used, nothing is left behind, and the next load keeps it', async (t) => {
  const bytes = tiny()
  let requests = 0
  const server = createServer((request, response) => { requests++; response.end(bytes) }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/model.safetensors`
  await mkdir(at('cache'))
  const program = `
    import { load } from 'linformer-wasm'
    const [url, cache] = process.argv.slice(1)
    console.log((await (await load(url, { cache })).classify('text')).label)`
  assert.ok(bytes.length > 8 * 1024)
  const { stdout, stderr } = await bash('ulimit -f 8; "$@"', process.execPath, '--input-type=module', '--eval', program, url, at('cache'))
  assert.equal(stdout.trim(), (await (await load(bytes)).classify('text')).label, stderr)
  assert.deepEqual(await readdir(at('cache')), [])
  for (const expected of [2, 2]) {
    await load(url, { cache: at('cache') })
    assert.equal(requests, expected)
  }
  assert.equal((await readdir(at('cache'))).length, 1)
})

test('a model file that is removed while it is read is read; one that shrinks is MODEL_TRUNCATED', async () => {
  const file = at('large.safetensors')
  const bytes = tiny({ n_max: 60000 }) // more than is read at once
  for (const [harm, code] of [[() => unlinkSync(file), undefined], [() => truncateSync(file, 2 ** 20 + 5), 'MODEL_TRUNCATED'], [() => truncateSync(file, 0), 'MODEL_TRUNCATED']]) {
    writeFileSync(file, bytes)
    let harmed = false
    const loading = load(file, { onProgress: ({ phase, done, total }) => {
      if (phase === 'download' && !harmed && done < total) {
        harmed = true
        harm()
      }
    } })
    if (code === undefined) assert.ok((await (await loading).classify('text')).label)
    else await assert.rejects(loading, { code })
    assert.ok(harmed)
  }
})

test('documents that go while others are read: each has its answer or its error', async () => {
  /** Runs the command line and does harm after its first result. */
  const harmed = async (args, harm) => {
    const child = spawn(process.execPath, ['bin/linformer.js', 'classify', '-m', model, '--jsonl', ...args])
    let stdout = ''
    child.stdout.on('data', (part) => { stdout += part })
    child.stdout.once('data', harm)
    const [status] = await once(child, 'close')
    return { status, answers: stdout.trim().split('\n').map((line) => JSON.parse(line)) }
  }
  const file = at('long.jsonl')
  const long = lines(5000, 200)
  await writeFile(file, long)
  const removed = await harmed([file], () => unlinkSync(file))
  assert.equal(removed.status, 0)
  assert.deepEqual(removed.answers.map(({ id }) => id), Array.from({ length: 5000 }, (_, id) => id))

  await writeFile(file, long)
  const cut = long.lastIndexOf('\n', Math.floor(long.length / 2)) + 30
  const shrunk = await harmed([file], () => truncateSync(file, cut))
  const left = long.slice(0, cut).split('\n').length - 1
  assert.equal(shrunk.status, 1)
  assert.deepEqual(shrunk.answers.slice(0, left).map(({ id }) => id), Array.from({ length: left }, (_, id) => id))
  assert.equal(shrunk.answers.length, left + 1)
  assert.match(shrunk.answers[left].error, new RegExp(`line ${left + 1}: it is not JSON`))
})
