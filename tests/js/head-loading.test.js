/**
 * A head that is loaded by itself finds its trunk, by name beside it or among the shipped models, and by its digest.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { load, readSafetensors, writeSafetensors } from 'linformer-wasm'
import { load as loadInWorker } from 'linformer-wasm/worker'
import { tiny } from './helpers/models.js'

const FOLDER = 'tests/golden/heads'
const TEXT = 'Bytes are all that this trunk reads.'

let folder
let origin
let server
/** Names of the files that were asked for. */
const asked = []
/** What the trunk with the head attached says. */
let expected
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'head-loading-'))
  copyFileSync(`${FOLDER}/trunk.safetensors`, join(folder, 'bytes.safetensors'))
  copyFileSync(`${FOLDER}/words.safetensors`, join(folder, 'head.safetensors'))
  server = createServer((request, response) => {
    const name = basename(new URL(request.url, 'http://x').pathname)
    asked.push(name)
    readFile(join(folder, name))
      .then((bytes) => response.end(bytes), () => response.writeHead(404).end())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  origin = `http://127.0.0.1:${server.address().port}`
  const trunk = await load(`${FOLDER}/trunk.safetensors`)
  const head = await trunk.attach(`${FOLDER}/words.safetensors`)
  expected = await head.classify(TEXT)
  trunk.dispose()
})
after(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

for (const [host, loader] of Object.entries({ 'this thread': load, 'a worker': loadInWorker })) {
  test(`beside it, by path, URL and response: ${host}`, async () => {
    const url = `${origin}/head.safetensors`
    for (const source of [join(folder, 'head.safetensors'), pathToFileURL(join(folder, 'head.safetensors')), url, `${url}?v=2`, new URL(url), await fetch(url)]) {
      const classifier = await loader(source)
      assert.deepEqual(await classifier.classify(TEXT), expected, String(source))
      assert.deepEqual([classifier.name, classifier.labels.length, classifier.config.words, classifier.config.n_max], ['words', 3, 60, 96])
      // It is a trunk to other heads, and it frees all when it is disposed of.
      const other = await classifier.attach(`${FOLDER}/mean.safetensors`)
      assert.equal((await classifier.classify(TEXT, { heads: [other, classifier] })).length, 2)
      await classifier.dispose()
      await assert.rejects(async () => other.classify(TEXT), { code: 'DISPOSED' })
    }
  })
}

for (const [host, loader] of Object.entries({ 'this thread': load, 'a worker': loadInWorker })) {
  test(`a trunk is fetched once for all its heads, and again for a complete file alone: ${host}`, async () => {
    asked.length = 0
    const trunk = await loader(`${origin}/bytes.safetensors`)
    const heads = [await trunk.attach(`${origin}/head.safetensors`), await trunk.attach(`${FOLDER}/mean.safetensors`)]
    assert.deepEqual((await trunk.classify(TEXT, { heads }))[0], expected)
    assert.deepEqual(asked, ['bytes.safetensors', 'head.safetensors'])
    await heads[0].export()
    assert.deepEqual(asked, ['bytes.safetensors', 'head.safetensors', 'bytes.safetensors'])
    await trunk.dispose()
  })
}

test('a trunk that has become another file is no part of a complete one', async () => {
  const [here, there] = [join(folder, 'bytes.safetensors'), join(folder, 'changing.safetensors')]
  copyFileSync(here, there)
  const trunk = await load(`${origin}/changing.safetensors`)
  const bytes = readFileSync(here)
  bytes[bytes.length - 1] ^= 1
  writeFileSync(there, bytes)
  const head = await trunk.attach(`${origin}/head.safetensors`)
  assert.deepEqual(await head.classify(TEXT), expected)
  await assert.rejects(head.export(), { code: 'INTEGRITY', message: /changing\.safetensors is not the file any more that was loaded/ })
  trunk.dispose()
})

test('a head that was loaded by itself exports a complete model', async () => {
  const classifier = await load(join(folder, 'head.safetensors'))
  const complete = await load(await classifier.export())
  assert.equal((await complete.classify(TEXT)).label, expected.label)
  complete.dispose()
  classifier.dispose()
})

test('among the shipped models, where nothing beside it is its trunk', async () => {
  const general = await load('general')
  const { head } = await general.teach(['aa', 'bb', 'cc', 'dd', 'ee', 'ff'].map((text, i) => ({ text, label: i % 2 ? 'odd' : 'even' })))
  general.dispose()
  const path = join(folder, 'taught.safetensors')
  writeFileSync(path, head)
  const own = await load(path)
  assert.deepEqual(own.labels, ['even', 'odd'])
  own.dispose()
  const { metadata, tensors } = readSafetensors(await readFile(`${FOLDER}/trunk.safetensors`))
  writeFileSync(join(folder, 'general.safetensors'), writeSafetensors(tensors, { ...metadata, name: 'general' }))
  const again = await load(path)
  assert.equal(again.config.vocab_size, 24576)
  again.dispose()
})

test('a trunk that is not there, or another one, is told with its name and digest', async () => {
  const { metadata, tensors } = readSafetensors(await readFile(`${FOLDER}/mean.safetensors`))
  const write = (/** @type {string} */ name, /** @type {Record<string, string>} */ change) => {
    const path = join(folder, `${name}.safetensors`)
    writeFileSync(path, writeSafetensors(tensors, { ...metadata, ...change }))
    return path
  }
  await assert.rejects(load(write('lost', { trunk_name: 'nowhere' })), {
    code: 'MODEL_FORMAT', message: /lost\.safetensors is a head alone, and its trunk was not found \(.*nowhere\.safetensors could not be read.*\): load nowhere \(sha256-/
  })
  writeFileSync(join(folder, 'other.safetensors'), tiny())
  await assert.rejects(load(write('wrong', { trunk_name: 'other' })), { code: 'MODEL_FORMAT', message: /other\.safetensors is another trunk than sha256-/ })
  await assert.rejects(load(write('itself', { trunk_name: 'itself' })), { code: 'MODEL_FORMAT', message: /itself\.safetensors is a head alone/ })
  // A name leads to no other folder.
  for (const name of ['../bytes', '/etc/passwd', 'a/b', '..', '']) {
    await assert.rejects(load(write('elsewhere', { trunk_name: name })), { code: 'MODEL_FORMAT', message: /elsewhere\.safetensors is a head alone: load/ }, name)
  }
  await assert.rejects(load(new Uint8Array(await readFile(join(folder, 'head.safetensors')))), {
    code: 'MODEL_FORMAT', message: /is a head alone: load bytes \(sha256-/
  })
})
