/**
 * The packed tarball, installed in fresh projects, classifies in every runtime and through every bundler. What a case
 * needs in its user's configuration stands in docs/frameworks.md, and here under "hint".
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { load } from 'linformer-wasm'
import { classify } from './fixtures/classify.js'
import {
  answerOf, askWorkerd, closeBrowser, copyModel, freshProject, importTool, installTarball, installTools, ISOLATION, outputOf, page, POLICY,
  toolFile, tools, visit, visitFolder
} from './project.js'

/** Relaxed SIMD differs in the last bits from simd128. */
const TOLERANCE = 1e-3

let project
let expected

before(async () => {
  await installTools()
  project = (await installTarball()).folder
  expected = await classify(load, 'models/sentiment.safetensors')
})
after(closeBrowser)

/**
 * Holds an answer to what this process says, for each way in which the library was used; the last one of several may be
 * on two threads.
 */
function check({ results, error, complaints = [] }, count, lastThreads = 1) {
  assert.equal(error, undefined)
  assert.deepEqual(complaints, [])
  assert.equal(results.length, count)
  assert.equal(results.at(-1).threads, lastThreads)
  for (const { label, score } of results) {
    assert.equal(label, expected.label)
    assert.ok(Math.abs(score - expected.score) < TOLERANCE, `${score} instead of ${expected.score}`)
  }
}

for (const version of [20, 22, 24]) {
  test(`Node.js ${version}: import and require`, async () => {
    const node = toolFile(`node${version}-${process.platform}-${process.arch}/bin/node`)
    const folder = freshProject(project, `node${version}`, ['server.mjs', 'server.cjs'])
    check(await answerOf(node, ['server.mjs'], folder), 4, 2)
    check(await answerOf(node, ['--no-warnings', 'server.cjs'], folder), 3)
  })
}

test('Deno', async () => {
  const deno = toolFile(`@deno/${process.platform}-${process.arch}-glibc/deno`)
  const folder = freshProject(project, 'deno', ['server.mjs'])
  check(await answerOf(deno, ['run', '--allow-read', '--cached-only', 'server.mjs'], folder), 4, 2)
})

test('Bun', async () => {
  const bun = toolFile(`@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}/bin/bun`)
  check(await answerOf(bun, ['server.mjs'], freshProject(project, 'bun', ['server.mjs'])), 4, 2)
})

test('workerd, bundled as wrangler does', async () => {
  const workerd = toolFile(`@cloudflare/workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}/bin/workerd`)
  const folder = freshProject(project, 'workerd', ['cloudflare.js'])
  const { build } = await importTool('esbuild')
  await build({
    absWorkingDir: folder, entryPoints: ['cloudflare.js'], outdir: 'out', bundle: true, format: 'esm', conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy', '.safetensors': 'copy' }, logLevel: 'error'
  })
  const modules = readdirSync(join(folder, 'out')).sort((a) => a === 'cloudflare.js' ? -1 : 1).map((name) => {
    const kind = { js: 'esModule', wasm: 'wasm', safetensors: 'data' }[name.split('.').at(-1)]
    return `(name = "${name}", ${kind} = embed "out/${name}")`
  })
  writeFileSync(join(folder, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (compatibilityDate = "2025-01-01", modules = [${modules.join(', ')}]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
`)
  check(await askWorkerd(workerd, join(folder, 'config.capnp')), 1)
})

/** @param {any} vite @param {string} folder @param {any} [config] */
async function viteDev(vite, folder, config = {}) {
  copyModel(project, join(folder, 'public'))
  const server = await vite.createServer({ root: folder, configFile: false, logLevel: 'error', server: { port: 0, hmr: false, host: '127.0.0.1', headers: ISOLATION }, ...config })
  await server.listen()
  try {
    check(await visit(server.resolvedUrls.local[0]), 3, 2)
  } finally {
    await server.close()
  }
}

test('Vite, dev server', async () => {
  await viteDev(await importTool('vite'), freshProject(project, 'vite-dev', ['page.js'], { 'index.html': page('./page.js') }))
})

test('Vite 7, dev server', async () => {
  // hint
  const config = { optimizeDeps: { exclude: ['linformer-wasm'] } }
  await viteDev(await importTool('vite7'), freshProject(project, 'vite7-dev', ['page.js'], { 'index.html': page('./page.js') }), config)
})

test('Vite, build', async () => {
  const folder = freshProject(project, 'vite-build', ['page.js'], { 'index.html': page('./page.js') })
  copyModel(project, join(folder, 'public'))
  const { build } = await importTool('vite')
  await build({ root: folder, configFile: false, logLevel: 'error' })
  check(await visitFolder(join(folder, 'dist')), 3, 2)
})

test('webpack 5', async () => {
  const folder = freshProject(project, 'webpack', ['page.js'])
  const webpack = tools('webpack')
  const stats = await new Promise((resolve, reject) => {
    webpack({ mode: 'production', context: folder, entry: './page.js', output: { path: join(folder, 'dist') } }, (error, stats) => error ? reject(error) : resolve(stats))
  })
  assert.equal(stats.toString({ all: false, errors: true, warnings: true }), '')
  copyModel(project, join(folder, 'dist'))
  writeFileSync(join(folder, 'dist/index.html'), page('main.js'))
  check(await visitFolder(join(folder, 'dist')), 3, 2)
})

test('Parcel', async () => {
  // hint
  const manifest = { name: 'project', private: true, type: 'module', '@parcel/resolver-default': { packageExports: true } }
  const folder = freshProject(project, 'parcel', ['page.js'], { 'index.html': page('./page.js'), 'package.json': JSON.stringify(manifest) })
  await outputOf(process.execPath, [tools.resolve('parcel/lib/bin.js'), 'build', 'index.html', '--no-source-maps', '--no-autoinstall', '--no-cache'], folder)
  copyModel(project, join(folder, 'dist'))
  // Parcel writes an import map into the page.
  check(await visitFolder(join(folder, 'dist'), POLICY.replace("'self'", "'self' 'unsafe-inline'")), 3, 2)
})

/** What Rollup and esbuild do not carry: hint */
function copyBesides(folder) {
  copyModel(project, join(folder, 'dist'))
  cpSync(join(folder, 'node_modules/linformer-wasm/wasm/dist/linformer-simd128.wasm'), join(folder, 'dist/linformer-simd128.wasm'))
  writeFileSync(join(folder, 'dist/index.html'), page('inline-page.js'))
}

test('Rollup', async () => {
  const folder = freshProject(project, 'rollup', ['inline-page.js'])
  const { rollup } = await importTool('rollup')
  const { nodeResolve } = await importTool('@rollup/plugin-node-resolve')
  const input = { 'inline-page': join(folder, 'inline-page.js'), 'linformer-worker': 'linformer-wasm/worker-host' }
  const bundle = await rollup({ input, plugins: [nodeResolve({ browser: true, rootDir: folder })] })
  await bundle.write({ dir: join(folder, 'dist') })
  await bundle.close()
  copyBesides(folder)
  check(await visitFolder(join(folder, 'dist')), 2)
})

test('esbuild', async () => {
  const folder = freshProject(project, 'esbuild', ['inline-page.js'])
  const { build } = await importTool('esbuild')
  await build({
    absWorkingDir: folder, bundle: true, format: 'esm', minify: true, outdir: 'dist', logLevel: 'error',
    entryPoints: { 'inline-page': 'inline-page.js', 'linformer-worker': 'linformer-wasm/worker-host' }
  })
  copyBesides(folder)
  check(await visitFolder(join(folder, 'dist')), 2)
})

test('no bundler: a script, the library\'s worker, a module worker, a service worker, threads', async () => {
  const folder = freshProject(project, 'script', ['script-page.js', 'script-worker.js'], { 'index.html': page('./script-page.js') })
  copyModel(project, folder)
  check(await visitFolder(folder), 5, 2)
})
