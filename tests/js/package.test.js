/**
 * What the package promises about itself.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

/** Files that a module imports, itself included. */
function graph(file, folders = /^wasm\//, seen = new Set()) {
  if (seen.has(file)) return seen
  seen.add(file)
  if (file.endsWith('.wasm')) return seen
  const source = readFileSync(file, 'utf8')
  for (const [, specifier] of source.matchAll(/^(?:import|export)[^'"]*from '([^']+)'/gm)) {
    assert.match(specifier, /^\.{1,2}\//, `${file} imports ${specifier}`)
    const imported = join(dirname(file), specifier)
    assert.match(imported, folders, `${file} imports ${specifier}`)
    graph(imported, folders, seen)
  }
  return seen
}

test('the only dependencies are what documents/ reads files with, each pinned, and asked for when it is wanted', () => {
  for (const key of ['optionalDependencies', 'peerDependencies', 'bundleDependencies']) assert.equal(manifest[key], undefined)
  for (const [name, version] of Object.entries(manifest.dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name)
  // What is imported at once, without a document of a format that needs a library: no library.
  graph('documents/index.js', /^(documents|wasm\/common)\//)
})

for (const entry of ['index', 'inline', 'worker', 'element', 'worker-host', 'workerd']) {
  test(`${entry}.js, for the web, imports nothing but its own files, and has no top-level await`, () => {
    const files = graph(`wasm/${entry}.js`)
    assert.ok(files.size >= 5)
    for (const file of files) {
      if (file.endsWith('.wasm')) continue
      assert.doesNotMatch(file, /node\.js$/)
      const source = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
      assert.doesNotMatch(source, /node:|\brequire\(|\bimport\(|\bprocess\b/, file)
      assert.doesNotMatch(source, /\beval\(|new Function/, file)
      assert.doesNotMatch(source, /^(const .*= |export const .*= )?await /m, file)
      assert.equal(/new Worker\(/.test(source), ['wasm/worker.js', 'wasm/hosts/start-thread.js'].includes(file), `${file}: no worker but those of /worker and of the option threads`)
    }
  })
}

test('the modules inside the JavaScript are those beside it', async () => {
  const { modules } = await import('../../wasm/dist/inline.js')
  for (const backend of ['simd128', 'relaxed']) {
    assert.deepEqual(modules[backend](), new Uint8Array(readFileSync(`wasm/dist/linformer-${backend}.wasm`)))
  }
})

test('every entry of the manifest exists', () => {
  const paths = Object.values(manifest.exports).flatMap((entry) => typeof entry === 'string' ? [entry] : Object.values(entry))
  for (const path of [...paths, manifest.main, manifest.types, ...Object.values(manifest.bin), ...manifest.files.filter((path) => !path.startsWith('!'))]) {
    assert.ok(existsSync(path.replace(/\*$/, '')), path)
  }
})

for (const [entry, types] of [['index', 'index'], ['inline', 'index'], ['node', 'index'], ['inline-node', 'index'], ['workerd', 'index'], ['worker', 'worker'], ['worker-node', 'worker']]) {
  test(`${entry}.js exports what ${types}.d.ts declares`, () => {
    const declared = ['index', types].flatMap((name) => [...readFileSync(`wasm/${name}.d.ts`, 'utf8').matchAll(/^export (?:const|function|class) (\w+)/gm)].map(([, name]) => name))
    const exported = [...readFileSync(`wasm/${entry}.js`, 'utf8').matchAll(/^export (?:const |function |class |\{ )([\w, ]+|\{ [\w, ]+)/gm)].flatMap(([, names]) => names.match(/\w+/g))
    assert.deepEqual(exported.sort(), [...new Set(declared)].sort())
  })
}

test('types come first in every condition', () => {
  for (const entry of Object.values(manifest.exports)) {
    if (typeof entry === 'object') assert.equal(Object.keys(entry)[0], 'types')
  }
})

test('the modules import a memory and nothing else, and are below 80 KiB', () => {
  const names = readdirSync('wasm/dist').filter((name) => name.endsWith('.wasm'))
  assert.deepEqual(names, ['linformer-relaxed.wasm', 'linformer-simd128.wasm'])
  const bytes = readFileSync('wasm/dist/linformer-simd128.wasm')
  assert.deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), [{ module: 'env', name: 'memory', kind: 'memory' }])
  for (const name of names) assert.ok(readFileSync(`wasm/dist/${name}`).length <= 80 * 1024, name)
})

test('the character maps are those of the pinned pdf.js', async () => {
  const { cmapsArchive } = await import('../../tools/cmaps.js')
  assert.ok(readFileSync('documents/cmaps.zip').equals(cmapsArchive()), 'run node tools/cmaps.js')
})

test('the man page is what the help says', async () => {
  const { manPage } = await import('../../tools/man-page.js')
  assert.equal(readFileSync('bin/linformer.1', 'utf8'), manPage(), 'run node tools/man-page.js')
})
