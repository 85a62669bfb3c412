/**
 * Many documents on the command line: dealt out to workers, answered in their order.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'node:test'
import { LinformerError } from 'linformer-wasm'
import { inOrder, Workers } from '../../bin/workers.js'
import { tiny } from './helpers/models.js'

const folder = await mkdtemp(join(tmpdir(), 'linformer-dealing-'))
const model = join(folder, 'tiny.safetensors')
await writeFile(model, tiny())

const start = (args) => spawn(process.execPath, ['bin/linformer.js', 'classify', '-m', model, ...args])

/** @returns {Promise<{ status: number, stdout: string, stderr: string }>} */
async function run(args, input = '') {
  const child = start(args)
  child.stdin.end(input)
  const [stdout, stderr, [status]] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, 'close')])
  return { status, stdout: stdout.join(''), stderr: stderr.join('') }
}

const later = () => {
  let resolve
  const promise = new Promise((settle) => { resolve = settle })
  return { promise, resolve }
}

async function* from(items) {
  yield* items
}

test('answers come in the order of the documents, whichever is ready first, and no more than so many are under way', async () => {
  const works = Array.from({ length: 9 }, later)
  let underWay = 0
  let most = 0
  const answers = inOrder(from(works.keys()), 3, async (i) => {
    most = Math.max(most, ++underWay)
    await works[i].promise
    underWay--
    return i
  })
  const found = []
  const reading = (async () => {
    for await (const i of answers) found.push(i)
  })()
  for (const i of [2, 1, 0, 5, 8, 7, 6, 4, 3]) {
    await new Promise((resolve) => setImmediate(resolve))
    works[i].resolve()
    if (i === 1) assert.deepEqual(found, [])
  }
  await reading
  assert.deepEqual(found, [0, 1, 2, 3, 4, 5, 6, 7, 8])
  assert.equal(most, 3)
})

test('an answer does not wait for the next document, nor does the end of asking', async () => {
  const source = (async function* () {
    yield* [1, 2]
    await new Promise(() => {}) // a pipe in which nothing comes
  })()
  const found = []
  for await (const answer of inOrder(source, 8, async (i) => i * 10)) {
    found.push(answer)
    if (answer === 20) break
  }
  assert.deepEqual(found, [10, 20])

  let closed = false
  const endless = (async function* () {
    try {
      for (let i = 0; ; i++) yield i
    } finally {
      closed = true
    }
  })()
  for await (const answer of inOrder(endless, 2, async (i) => i)) {
    if (answer === 3) break
  }
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(closed, true)
})

test('a worker is opened when there is work for it, and again when it has died', async () => {
  let opened = 0
  const disposed = []
  const fake = () => {
    const number = opened++
    return { number, dispose: () => disposed.push(number) }
  }
  const workers = new Workers(fake(), 2, async () => fake())
  assert.equal(await workers.with(async ({ number }) => number), 0)
  assert.equal(opened, 1)
  const hold = later()
  const first = workers.with(async ({ number }) => {
    await hold.promise
    return number
  })
  await assert.rejects(workers.with(async () => {
    throw new LinformerError('WORKER_FAILED', 'it died')
  }), { code: 'WORKER_FAILED' })
  assert.equal(opened, 2)
  assert.deepEqual(disposed, [1])
  const waiting = [workers.with(async ({ number }) => number), workers.with(async ({ number }) => number)]
  hold.resolve()
  assert.equal(await first, 0)
  assert.deepEqual((await Promise.all(waiting)).filter((number) => number === 1), [])
  assert.equal(opened, 3)
  workers.dispose()
  assert.deepEqual(disposed.sort(), [0, 1, 2])
})

test('lines and files on two threads: the same output as on one, what is wrong with one document included', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => i % 7 === 3 ? '{"id": 3}' : JSON.stringify({ id: i, text: 'Words follow words. '.repeat(1 + (i * 37) % 50) }))
  const args = ['--jsonl', '--overflow', 'truncate']
  const [one, two] = [await run(args, lines.join('\n')), await run([...args, '--threads', '2'], lines.join('\n'))]
  assert.equal(one.stdout.trim().split('\n').length, 40)
  assert.match(one.stderr, /line 4/)
  assert.deepEqual(two, one)

  const files = join(folder, 'files')
  await mkdir(files)
  for (let i = 0; i < 6; i++) await writeFile(join(files, `${i}.txt`), i === 2 ? Uint8Array.of(1, 0, 2) : `Text number ${i}. `.repeat(30 - 4 * i))
  const [alone, dealt] = [await run([files, '--json']), await run([files, '--json', '--threads', '2'])]
  assert.equal(alone.status, 1)
  assert.equal(JSON.parse(alone.stdout).length, 6)
  assert.deepEqual(dealt, alone)
})

test('a program that waits for each answer before it sends the next line gets them all, on two threads', async () => {
  const child = start(['--jsonl', '--threads', '2'])
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  for (let id = 0; id < 3; id++) {
    child.stdin.write(`${JSON.stringify({ id, text: 'A text.' })}\n`)
    const { value } = await answers.next()
    assert.equal(JSON.parse(value).id, id)
  }
  child.stdin.end()
  assert.deepEqual(await once(child, 'close'), [0, null])
})
