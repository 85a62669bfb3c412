/**
 * The same bits everywhere. The yardstick is tests/golden/hashes.txt, which `npm run hashes` writes when the arithmetic has
 * been changed on purpose; what is compared with it is C on x86-64, scalar and SIMD, scalar C on arm64 (under qemu), scalar
 * and SIMD WebAssembly, and the SIMD module in other versions of Node.js. Browsers: tests/browser/determinism.test.js.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { load } from 'linformer-wasm'
import { caseHashes, modelHashes, TEXTS, verdicts } from './helpers/determinism.js'
import { goldenModels } from './helpers/golden-models.js'

const run = (file, args) => promisify(execFile)(file, args, { maxBuffer: 2 ** 24, encoding: 'utf8' }).then(({ stdout }) => stdout)
const lines = (text) => text.trim().split('\n').map((line) => line.split(' ').slice(0, 4).join(' '))
const build = (config) => run('make', ['-s', `config=${config}`, `build/native-${config}/test_cases`])

const expected = readFileSync('tests/golden/hashes.txt', 'utf8').trim().split('\n')
const cases = expected.filter((line) => !line.startsWith('model '))
const models = expected.filter((line) => line.startsWith('model '))
const folder = mkdtempSync(join(tmpdir(), 'linformer-determinism-'))
test.after(() => rmSync(folder, { recursive: true }))
const modelsFile = join(folder, 'models.bin')
writeFileSync(modelsFile, goldenModels())

test('there are hashes of every kernel, of models of every kind, and of every golden model in both precisions', () => {
  assert.equal(new Set(expected.map((line) => line.split(' ').slice(0, 2).join(' '))).size, expected.length)
  assert.ok(cases.length > 280 && models.length >= 62)
  assert.equal(models.filter((line) => line.includes('/int8 ')).length, models.length / 2)
})

test('x86-64: scalar C by clang and by gcc -O3, and the SIMD kernels under the sanitizers', async () => {
  for (const config of ['sanitize', 'release', 'simd']) {
    await build(config)
    const found = lines(await run(`build/native-${config}/test_cases`, [modelsFile]))
    assert.deepEqual(found, expected, `${config} differs from tests/golden/hashes.txt; if the arithmetic was to change: npm run hashes`)
  }
})

test('scalar C: arm64, under qemu', { timeout: 180_000 }, async () => {
  await build('arm64')
  assert.equal(readFileSync('build/native-arm64/test_cases').readUInt16LE(18), 183, 'the ELF machine number of AArch64')
  assert.deepEqual(lines(await run('qemu-aarch64', ['build/native-arm64/test_cases', modelsFile])), expected)
})

test('WebAssembly: scalar', async () => {
  const scalar = readFileSync('build/test/scalar.wasm')
  assert.deepEqual(await caseHashes(scalar), cases)
  assert.deepEqual(await modelHashes(scalar, readFileSync(modelsFile)), models)
})

const SCRIPT = `
  import { readFileSync } from 'node:fs'
  import { load } from 'linformer-wasm'
  import { caseHashes, modelHashes, TEXTS, verdicts } from './tests/js/helpers/determinism.js'
  const found = { version: process.version, verdicts: [] }
  for (const precision of ['float32', 'int8']) {
    const classifier = await load('models/sentiment.safetensors', { deterministic: true, precision })
    found.verdicts.push(classifier.backend, classifier.precision, ...await verdicts(classifier, TEXTS))
  }
  found.hashes = [
    ...await caseHashes(readFileSync('build/test/simd128.wasm')),
    ...await modelHashes(readFileSync('wasm/dist/linformer-simd128.wasm'), readFileSync(process.argv[1]))
  ]
  console.log(JSON.stringify(found))`

test('WebAssembly: the simd128 kernels, the shipped module, and the shipped model with deterministic: true, in this and other versions of Node.js', { timeout: 180_000 }, async (t) => {
  const ask = async (node) => JSON.parse(await run(node, ['--input-type=module', '--eval', SCRIPT, modelsFile]))
  const here = await ask(process.execPath)
  assert.equal(here.verdicts[0], 'simd128')
  assert.deepEqual(here.hashes, expected)
  const nodes = (await run('tools/nodes.sh', [])).trim().split('\n')
  assert.ok(nodes.length >= 2)
  for (const node of nodes) {
    const found = await ask(node)
    assert.notEqual(found.version, process.version)
    assert.deepEqual(found.hashes, expected, found.version)
    assert.deepEqual(found.verdicts, here.verdicts, found.version)
    t.diagnostic(`${found.version}: ${found.hashes.length} hashes as stored, and ${2 * TEXTS.length} verdicts as in ${process.version}`)
  }
})

test('relaxed SIMD in 8 bits: the same bits on x86-64 with and without AVX-VNNI, for which the kernels differ', async () => {
  const node = (await run('tools/nodes.sh', [])).trim().split('\n').find((path) => path.includes('node-24'))
  const script = `
    import { readFileSync } from 'node:fs'
    import { caseHashes } from './tests/js/helpers/determinism.js'
    console.log((await caseHashes(readFileSync('build/test/relaxed.wasm'))).join('\\n'))`
  const [here, without] = await Promise.all([[], ['--no-enable-avx-vnni']].map((flags) => run(node, [...flags, '--input-type=module', '--eval', script])))
  assert.equal(lines(here).length, cases.length)
  assert.deepEqual(lines(without), lines(here))
})

test('any number of threads gives the same bits, in both precisions', async () => {
  for (const precision of ['float32', 'int8']) {
    let expected
    for (const threads of [1, 2, 3, 5]) {
      const classifier = await load('models/sentiment.safetensors', { deterministic: true, precision, threads })
      assert.equal(classifier.threads, threads)
      const found = await verdicts(classifier, TEXTS)
      expected ??= found
      assert.deepEqual(found, expected, `${precision}, ${threads} threads`)
      classifier.dispose()
    }
  }
})

test('deterministic takes simd128, and refuses another backend', async () => {
  await assert.rejects(load('models/sentiment.safetensors', { deterministic: true, backend: 'relaxed' }), { code: 'BAD_ARGUMENT' })
  await assert.rejects(load('models/sentiment.safetensors', { deterministic: 'yes' }), { code: 'BAD_ARGUMENT' })
  assert.equal((await load('models/sentiment.safetensors', { deterministic: true, backend: 'simd128' })).backend, 'simd128')
})

test('the same document gives the same bits, whatever was read before it and in whatever steps', async () => {
  const classifier = await load('models/sentiment.safetensors', { deterministic: true })
  const once = await verdicts(classifier, TEXTS)
  assert.deepEqual((await verdicts(classifier, [...TEXTS].reverse())).reverse(), once)
  const windows = await load('models/sentiment.safetensors', { deterministic: true, maxTokens: 4096 })
  assert.deepEqual(await verdicts(windows, TEXTS), once)
})
