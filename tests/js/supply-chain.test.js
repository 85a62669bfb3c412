/**
 * Where the package comes from: modules that anyone can rebuild, a toolchain that is pinned, and a bill of materials.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { bill } from '../../tools/sbom.js'

const run = promisify(execFile)
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

test('a clean build in another folder gives what wasm/dist has, byte for byte', { timeout: 300_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'another-folder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const path of ['Makefile', 'src', 'tools', 'package.json', 'tests/c', 'tests/fuzz/fuzz.h', 'tests/fuzz/reference.h']) {
    cpSync(path, join(folder, path), { recursive: true })
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  const emcc = (await run('tools/toolchain.sh')).stdout.trim()
  await run('make', ['-s', '-j2', 'wasm'], { cwd: folder, env: { ...process.env, LF_EMCC: emcc } })
  for (const name of ['linformer-simd128.wasm', 'linformer-relaxed.wasm', 'inline.js', 'manifest.json']) {
    const built = readFileSync(join(folder, 'wasm/dist', name))
    assert.ok(built.equals(readFileSync(`wasm/dist/${name}`)), `wasm/dist/${name} is not what the sources build: run 'make wasm'`)
  }
  const { modules } = JSON.parse(readFileSync('wasm/dist/manifest.json', 'utf8'))
  for (const [name, { bytes, sha256: digest }] of Object.entries(modules)) {
    const module = readFileSync(`wasm/dist/${name}`)
    assert.deepEqual({ bytes: module.length, digest: sha256(module) }, { bytes, digest })
  }
})

test('everything that is downloaded to build or test is pinned', () => {
  const toolchain = readFileSync('tools/toolchain.sh', 'utf8')
  const pins = toolchain.match(/^(?:tool|host) .*$/gm)
  assert.ok(pins.length >= 3)
  for (const pin of pins) assert.match(pin, / [0-9a-f]{64}'?$/)
  const nodes = readFileSync('tools/nodes.sh', 'utf8').match(/^\d+\.\d+\.\d+ .*$/gm)
  assert.ok(nodes.length >= 2)
  for (const pin of nodes) assert.match(pin, / [0-9a-f]{64}'?$/)
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '') continue
    assert.match(entry.integrity ?? '', /^sha512-/, path)
    assert.ok(!entry.hasInstallScript || entry.dev || entry.optional, `${path} runs a program when it is installed`)
  }
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) assert.match(version, /^\d+\.\d+\.\d+$/, name)
})

test('the bill of materials lists every file with its digest, and which libraries are needed at run time', async () => {
  const { components, dependencies, metadata } = bill()
  const required = components.filter(({ type, scope }) => type !== 'file' && scope === 'required')
  assert.ok(required.some(({ name }) => name === 'parse5') && !required.some(({ name }) => name === 'typescript'))
  assert.deepEqual(dependencies, [{ ref: metadata.component.purl, dependsOn: required.map(({ purl }) => purl) }])
  const files = components.filter(({ type }) => type === 'file')
  assert.ok(files.some(({ name }) => name === 'wasm/dist/linformer-simd128.wasm'))
  for (const { name, hashes } of files) assert.equal(hashes[0].content, sha256(readFileSync(name)), name)
  assert.deepEqual(bill(), bill())
})
