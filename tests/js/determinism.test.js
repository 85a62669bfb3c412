/**
 * The same bits everywhere. The yardstick is scalar C on this machine, compiled by clang without optimisation to speak of;
 * the others are gcc -O3, arm64 (under qemu), scalar and SIMD WebAssembly, and the SIMD module in other versions of
 * Node.js. Browsers: tests/browser/determinism.test.js.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { promisify } from 'node:util'
import { load } from 'linformer-wasm'
import { caseHashes, TEXTS, verdicts } from './helpers/determinism.js'

const run = (file, args) => promisify(execFile)(file, args, { maxBuffer: 2 ** 24, encoding: 'utf8' }).then(({ stdout }) => stdout)
const lines = (text) => text.trim().split('\n').map((line) => line.split(' ').slice(0, 4).join(' '))
const build = (config) => run('make', ['-s', `config=${config}`, `build/native-${config}/test_cases`])

const expected = lines(await run('build/native-sanitize/test_cases', []))
assert.ok(expected.length > 120)

test('scalar C: clang and gcc -O3', async () => {
  await build('release')
  assert.deepEqual(lines(await run('build/native-release/test_cases', [])), expected)
})

test('scalar C: arm64, under qemu', { timeout: 180_000 }, async () => {
  await build('arm64')
  assert.equal(readFileSync('build/native-arm64/test_cases').readUInt16LE(18), 183, 'the ELF machine number of AArch64')
  assert.deepEqual(lines(await run('qemu-aarch64', ['build/native-arm64/test_cases'])), expected)
})

test(`WebAssembly: scalar and simd128 in Node.js ${process.version}`, async () => {
  for (const backend of ['scalar', 'simd128']) {
    assert.deepEqual(await caseHashes(readFileSync(`build/test/${backend}.wasm`)), expected, backend)
  }
})

const SCRIPT = `
  import { readFileSync } from 'node:fs'
  import { load } from 'linformer-wasm'
  import { caseHashes, TEXTS, verdicts } from './tests/js/helpers/determinism.js'
  const classifier = await load('models/imdb.safetensors', { deterministic: true })
  console.log(JSON.stringify({
    version: process.version, backend: classifier.backend, verdicts: await verdicts(classifier, TEXTS),
    cases: await caseHashes(readFileSync('build/test/simd128.wasm'))
  }))`

test('the simd128 module and deterministic: true in other versions of Node.js', { timeout: 180_000 }, async (t) => {
  const classifier = await load('models/imdb.safetensors', { deterministic: true })
  assert.equal(classifier.backend, 'simd128')
  const here = await verdicts(classifier, TEXTS)
  const nodes = (await run('tools/nodes.sh', [])).trim().split('\n')
  assert.ok(nodes.length >= 2)
  for (const node of nodes) {
    const found = JSON.parse(await run(node, ['--input-type=module', '--eval', SCRIPT]))
    assert.notEqual(found.version, process.version)
    assert.equal(found.backend, 'simd128')
    assert.deepEqual(found.cases, expected, found.version)
    assert.deepEqual(found.verdicts, here, found.version)
    t.diagnostic(`${found.version}: ${found.cases.length} cases and ${found.verdicts.length} verdicts as in ${process.version}`)
  }
})

test('deterministic takes simd128, and refuses another backend', async () => {
  await assert.rejects(load('models/imdb.safetensors', { deterministic: true, backend: 'relaxed' }), { code: 'BAD_ARGUMENT' })
  await assert.rejects(load('models/imdb.safetensors', { deterministic: 'yes' }), { code: 'BAD_ARGUMENT' })
  assert.equal((await load('models/imdb.safetensors', { deterministic: true, backend: 'simd128' })).backend, 'simd128')
})

test('the same document gives the same bits, whatever was read before it and in whatever steps', async () => {
  const classifier = await load('models/imdb.safetensors', { deterministic: true })
  const once = await verdicts(classifier, TEXTS)
  assert.deepEqual((await verdicts(classifier, [...TEXTS].reverse())).reverse(), once)
  const windows = await load('models/imdb.safetensors', { deterministic: true, maxTokens: 4096 })
  assert.deepEqual(await verdicts(windows, TEXTS), once)
})
