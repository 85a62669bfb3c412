/**
 * The library keeps to itself: no code from strings, no file but those it is given, no network but what is asked for, no
 * global changed, no listener and no handle left behind. Each in a process of its own, so that nothing of the test is mixed in.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'

const MODEL = resolve('models/sentiment.safetensors')
const USE = `
  const { load, inspect } = await import('linformer-wasm')
  await inspect(MODEL)
  const classifier = await load(MODEL)
  const { label } = await classifier.classify('An excellent film: I loved every minute of it.')
  await classifier.classify(['one', ''], { explain: true })
  classifier.dispose()`

/** Runs a script in a new Node.js; its last line of output is JSON. */
async function inNode(script, { flags = [], node = process.execPath } = {}) {
  const source = `const MODEL = ${JSON.stringify(MODEL)}\n${script}`
  const { stdout } = await promisify(execFile)(node, [...flags, '--input-type=module', '--eval', source], { timeout: 60_000 })
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

const otherNodes = async () => (await promisify(execFile)('tools/nodes.sh')).stdout.trim().split('\n')

test('without code generation from strings, and with frozen intrinsics', async () => {
  const script = `
    let refused = false
    try { new Function('return 1') } catch { refused = true }
    ${USE}
    console.log(JSON.stringify({ refused, label }))`
  assert.deepEqual(await inNode(script, { flags: ['--disallow-code-generation-from-strings'] }), { refused: true, label: 'positive' })
  assert.equal((await inNode(script, { flags: ['--frozen-intrinsics', '--no-warnings'] })).label, 'positive')
})

test('with nothing readable but the package and the model, nothing writable, no process and no worker', { timeout: 60_000 }, async () => {
  const script = `
    import { readFile } from 'node:fs/promises'
    ${USE}
    const { permission } = process
    const refused = await readFile('/etc/passwd').then(() => false, (error) => error.code === 'ERR_ACCESS_DENIED')
    const outside = await load(${JSON.stringify(resolve('models/sentiment.md'))}).catch(({ code, details }) => code + ' ' + details.errno)
    console.log(JSON.stringify({ label, refused, outside, write: permission.has('fs.write'), child: permission.has('child'), worker: permission.has('worker') }))`
  const readable = [resolve('wasm'), resolve('package.json'), MODEL]
  const expected = { label: 'positive', refused: true, outside: 'SOURCE_FAILED ERR_ACCESS_DENIED', write: false, child: false, worker: false }
  for (const node of [process.execPath, ...await otherNodes()]) {
    const { stdout } = await promisify(execFile)(node, ['--version'])
    const flag = Number(stdout.slice(1, 3)) >= 24 ? '--permission' : '--experimental-permission'
    const allowed = readable.map((path) => `--allow-fs-read=${path}${path === resolve('wasm') ? '/*' : ''}`)
    assert.deepEqual(await inNode(script, { node, flags: [flag, ...allowed, '--no-warnings'] }), expected, stdout)
  }
})

/** Before anything else is loaded: every connection and every name looked up goes into globalThis.calls. */
const RECORDER = `
  import net from 'node:net'
  import dns from 'node:dns'
  import dgram from 'node:dgram'
  globalThis.calls = []
  const { connect } = net.Socket.prototype
  net.Socket.prototype.connect = function (...args) {
    const [target] = Array.isArray(args[0]) ? args[0] : args
    calls.push('connect ' + (target?.host ?? target?.path ?? '') + ':' + (target?.port ?? target))
    return connect.apply(this, args)
  }
  const { lookup } = dns
  dns.lookup = (name, ...args) => { calls.push('lookup ' + name); return lookup(name, ...args) }
  const { createSocket } = dgram
  dgram.createSocket = (...args) => { calls.push('datagram'); return createSocket(...args) }`

test('no connection but the one that is asked for', async (t) => {
  const requests = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    response.end(readFileSync(MODEL))
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address()

  assert.deepEqual(await inNode(`${RECORDER}\n${USE}\nconsole.log(JSON.stringify(calls))`), [])
  const seen = await inNode(`${RECORDER}
    const { load } = await import('linformer-wasm')
    const classifier = await load('http://127.0.0.1:${port}/model?token=1')
    await classifier.classify('An excellent film.')
    console.log(JSON.stringify({ calls }))
    process.exit()`)
  assert.deepEqual(requests, ['GET /model?token=1'])
  for (const call of seen.calls) assert.match(call, new RegExp(`:${port}$|^lookup 127\\.0\\.0\\.1$`))
})

test('no global added, changed or removed, no prototype touched', async () => {
  const script = `
    for (const key of Reflect.ownKeys(globalThis)) void globalThis[key] // Node.js makes some on first use
    const roots = () => [globalThis, Object, Function, Array, String, Number, Promise, Map, Set, RegExp, Error, JSON, Math, Reflect, Symbol,
      WebAssembly, Uint8Array, Object.getPrototypeOf(Uint8Array), ArrayBuffer, DataView, URL, AbortSignal, TextEncoder, console, process]
      .flatMap((root) => typeof root === 'function' ? [root, root.prototype] : [root])
    const snapshot = () => roots().map((root) => Reflect.ownKeys(root).map((key) => {
      const { value, get, set, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(root, key)
      return [key, typeof value === 'object' || typeof value === 'function' ? value : String(value), get, set, writable, enumerable, configurable]
    }))
    const before = snapshot()
    ${USE}
    const after = snapshot()
    const differences = []
    before.forEach((keys, root) => {
      const names = new Map(after[root].map(([key, ...rest]) => [key, rest]))
      for (const [key, ...rest] of keys) {
        const now = names.get(key)
        if (now === undefined || rest.some((value, i) => value !== now[i])) differences.push('changed ' + root + ' ' + String(key))
        names.delete(key)
      }
      for (const key of names.keys()) differences.push('added ' + root + ' ' + String(key))
    })
    console.log(JSON.stringify(differences))`
  assert.deepEqual(await inNode(script), [])
})

test('no listener on the process, no handle that keeps it', async () => {
  const script = `
    const count = () => process.eventNames().map((name) => [String(name), process.listenerCount(name)]).sort()
    const before = count()
    ${USE}
    await new Promise((resolve) => setTimeout(resolve, 20))
    console.log(JSON.stringify({ same: JSON.stringify(before) === JSON.stringify(count()), active: process.getActiveResourcesInfo().filter((name) => !/TTY|Pipe/.test(name)) }))`
  assert.deepEqual(await inNode(script), { same: true, active: [] })
})
