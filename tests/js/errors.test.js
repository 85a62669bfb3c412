/**
 * Bad input: each a LinformerError with a code and the numbers, and nothing else is harmed.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import test from 'node:test'
import { inspect, load, LinformerError, readSafetensors, tensorValues, writeSafetensors } from 'linformer-wasm'
import { tensorBytes, tiny, withConfig, withHeader } from './helpers/models.js'

const MODEL_CODES = ['MODEL_TRUNCATED', 'MODEL_FORMAT', 'MODEL_CONFIG', 'MODEL_TENSOR']

/** The error of a load that has to fail. */
async function refusal(source, options) {
  try {
    await load(source, options)
  } catch (error) {
    assert.ok(error instanceof LinformerError, String(error?.stack ?? error))
    return error
  }
  return assert.fail('this model was loaded')
}

async function refused(source, code, message, options) {
  const error = await refusal(source, options)
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
}

test('a model cut at any byte is refused', async () => {
  const bytes = tiny({ n_max: 40, d_model: 4, n_layers: 1, n_heads: 1, d_ff: 4, k: [4] }, { dtype: 'I8' })
  for (let length = 0; length < bytes.length; length++) {
    const error = await refusal(bytes.subarray(0, length))
    assert.equal(error.code, 'MODEL_TRUNCATED', `cut at ${length}: ${error.message}`)
    assert.equal(error.details.bytes, length)
    assert.ok(error.details.expected > length)
  }
  assert.ok(await load(bytes))
})

test('bytes that follow the last tensor are refused', async () => {
  const bytes = tiny()
  const longer = new Uint8Array(bytes.length + 5)
  longer.set(bytes)
  await refused(longer, 'MODEL_FORMAT', /5 bytes follow/)
})

test('what is no model is named', async () => {
  const text = (string) => new TextEncoder().encode(string)
  await refused(text('<!DOCTYPE html><title>404</title>'), 'MODEL_FORMAT', /web page \(HTML\)/)
  await refused(text('\n <html lang=en>'), 'MODEL_FORMAT', /web page \(HTML\)/)
  await refused(text('{"json": true, "long enough": "for a header length"}'), 'MODEL_FORMAT', /header has \d+ bytes/)
  await refused(new Uint8Array(0), 'MODEL_TRUNCATED', /has 0 bytes/)
  await refused(new Uint8Array(100), 'MODEL_FORMAT', /header has 0 bytes/)
  for (const source of [undefined, null, 5, {}, []]) await refused(source, 'BAD_ARGUMENT', /a source is/)
})

test('a file that is not there, and a folder', async () => {
  await refused('no/such/model.safetensors', 'SOURCE_FAILED', /no\/such\/model\.safetensors.*ENOENT/)
  await refused('tests', 'SOURCE_FAILED', /EISDIR/)
})

test('a server that answers with an error, a page or half a file', async (t) => {
  const bytes = tiny()
  const server = createServer((request, response) => {
    if (request.url === '/missing') response.writeHead(404).end('<html>no</html>')
    if (request.url === '/page') response.end('<!doctype html><p>hello')
    if (request.url === '/half') {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, bytes.length / 2))
      setTimeout(() => response.destroy(), 20)
    }
    if (request.url === '/short') response.end(bytes.subarray(0, bytes.length / 2))
  }).listen(0)
  t.after(() => { server.closeAllConnections(); server.close() })
  await new Promise((resolve) => server.once('listening', resolve))
  const at = (path) => `http://127.0.0.1:${server.address().port}${path}`
  await refused(at('/missing'), 'SOURCE_FAILED', /\/missing answered with HTTP status 404/)
  await refused(at('/page'), 'MODEL_FORMAT', /\/page is a web page \(HTML\), sent with HTTP status 200/)
  await refused(at('/half'), 'MODEL_TRUNCATED', new RegExp(`/half answered with HTTP status 200, and broke off: ${Math.floor(bytes.length / 2)} of ${bytes.length} bytes`))
  const { details } = await refusal(at('/half'))
  assert.deepEqual(details, { source: at('/half'), status: 200, bytes: Math.floor(bytes.length / 2), expected: bytes.length })
  for (const source of ['/missing', '/page']) assert.equal((await refusal(at(source))).details.source, at(source))
  await refused(new Response('<!doctype html>', { status: 203 }), 'MODEL_FORMAT', /the response is a web page.*status 203/)
  await refused(at('/short'), 'MODEL_TRUNCATED', /\/short is cut short/)
  await refused('http://127.0.0.1:9/', 'SOURCE_FAILED', /could not be fetched: fetch failed \(.+\)$/)
})

test('what the caller\'s onProgress throws comes as it is, from a file, a server and a response', async (t) => {
  const bytes = tiny()
  const server = createServer((request, response) => response.end(bytes)).listen(0)
  t.after(() => { server.closeAllConnections(); server.close() })
  await new Promise((resolve) => server.once('listening', resolve))
  for (const source of ['sentiment', `http://127.0.0.1:${server.address().port}/`, new Response(bytes)]) {
    const phases = []
    const mine = new Error('mine')
    const onProgress = ({ phase }) => {
      phases.push(phase)
      throw mine
    }
    await assert.rejects(load(source, { onProgress }), (error) => error === mine)
    assert.deepEqual(phases, ['download'])
  }
})

test('a response that somebody else is reading', async () => {
  const response = new Response(tiny())
  response.body.getReader()
  await refused(response, 'BAD_ARGUMENT', /the body of the response has been read already/)
})

test('another WebAssembly module than the library\'s', async () => {
  const empty = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const wantsMemory = [...empty, 2, 10, 1, 3, 101, 110, 118, 1, 109, 2, 0, 1] // imports env.m
  const wantsMore = [...empty, 2, 15, 1, 3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 0, 99] // imports env.memory, of 99 pages
  for (const module of [empty, wantsMemory, wantsMore]) {
    const wasm = Uint8Array.from(module)
    assert.ok(WebAssembly.validate(wasm))
    for (const options of [{ wasm }, { wasm, threads: 2 }, { wasm: new WebAssembly.Module(wasm) }]) {
      await refused(tiny(), 'ENGINE', /is not the WebAssembly module of this library|could not be compiled/, options)
      await assert.rejects(inspect(tiny(), options), { code: 'ENGINE' })
    }
  }
})

test('every field of the config is checked', async () => {
  const bytes = tiny()
  for (const key of ['vocab_size', 'n_max', 'd_model', 'n_layers', 'n_heads', 'd_ff', 'n_classes']) {
    for (const value of [0, -1, 1.5, 2 ** 31, 1e300, null, '7', undefined]) {
      await refused(withConfig(bytes, { [key]: value }), 'MODEL_CONFIG', new RegExp(`config\\.${key}`))
    }
  }
  for (const key of ['attention', 'sharing', 'projection', 'positions']) {
    await refused(withConfig(bytes, { [key]: 'other' }), 'MODEL_CONFIG', new RegExp(`config\\.${key} is "other"`))
    await refused(withConfig(bytes, { [key]: 0 }), 'MODEL_CONFIG', new RegExp(`config\\.${key}`))
  }
  for (const k of [20, [20], [20, 0], [20, 301], [20, -1], [20, 1.5], 'k', null]) {
    await refused(withConfig(bytes, { k }), 'MODEL_CONFIG', /config\.k/)
  }
  await refused(withConfig(bytes, { n_heads: 3 }), 'MODEL_CONFIG', /multiple of n_heads 3/)
  await refused(withConfig(bytes, { projection: 'mean', k: [20, 7] }), 'MODEL_CONFIG', /multiple of k 7/)
  await refused(withConfig(bytes, { projection: 'conv', k: [20, 10] }), 'MODEL_CONFIG', /one k for all layers/)
})

test('a config that does not go with the tensors', async () => {
  const bytes = tiny()
  await refused(withConfig(bytes, { d_ff: 25 }), 'MODEL_TENSOR', /ffn\.in\.weight has shape \[24, 16\]; the config asks for \[25, 16\]/)
  await refused(withConfig(bytes, { n_layers: 1, k: [20] }), 'MODEL_TENSOR', /layers\.1\..* is not one that a model of this config has/)
  await refused(withConfig(bytes, { sharing: 'headwise' }), 'MODEL_TENSOR', /layers\.0\.attn\.E.*missing/)
  await refused(withConfig(bytes, { n_classes: 4 }), 'MODEL_CONFIG', /labels is not a list of 4/)
})

test('metadata that is missing or wrong', async () => {
  const bytes = tiny()
  const metadata = (changes) => withHeader(bytes, (header) => { Object.assign(header.__metadata__, changes) })
  await refused(withHeader(bytes, (header) => { delete header.__metadata__ }), 'MODEL_FORMAT', /has no format/)
  await refused(metadata({ format: 'pt' }), 'MODEL_FORMAT', /format "pt"/)
  await refused(metadata({ version: '3' }), 'MODEL_FORMAT', /version "3"/)
  await refused(metadata({ config: '{' }), 'MODEL_CONFIG', /config is not JSON/)
  await refused(metadata({ config: 'null' }), 'MODEL_CONFIG', /not an object/)
  await refused(metadata({ labels: '["a","b","a"]' }), 'MODEL_CONFIG', /one label twice/)
  await refused(metadata({ labels: '["a","b",3]' }), 'MODEL_CONFIG', /3 strings/)
  await refused(metadata({ tokenizer: '{"type":"words"}' }), 'MODEL_CONFIG', /tokenizer\.type is "words"/)
  await refused(metadata({ tokenizer: '{"type":"byte-level-bpe","sep":257}' }), 'MODEL_CONFIG', /sep is 257/)
  await refused(metadata({ tokenizer: '{"type":"byte-level-bpe","lowercase":"yes"}' }), 'MODEL_CONFIG', /lowercase is "yes"/)
  for (const key of ['config', 'labels', 'tokenizer']) {
    await refused(withHeader(bytes, (header) => { delete header.__metadata__[key] }), 'MODEL_FORMAT', new RegExp(`no ${key}`))
  }
  await refused(metadata({ config: 5 }), 'MODEL_FORMAT', /object of strings/)
  await refused(withHeader(bytes, () => '[1, 2]'), 'MODEL_FORMAT', /not a JSON object/)
  await refused(withHeader(bytes, () => '{"a":'), 'MODEL_FORMAT', /not JSON/)
})

test('tensors that are missing, doubled, overlapping, of a wrong dtype or shape', async () => {
  const bytes = tiny({}, { dtype: 'I8' })
  const name = 'layers.1.attn.key.weight'
  const header = (change) => withHeader(bytes, (h) => { change(h) })
  await refused(header((h) => { h.other = h[name]; delete h[name] }), 'MODEL_TENSOR', /layers\.1\.attn\.key\.weight.*missing/)
  await refused(header((h) => { h.other = h[`${name}.scale`]; delete h[`${name}.scale`] }), 'MODEL_TENSOR', /key\.weight is I8, and .*scale is missing/)
  await refused(header((h) => { h[name].dtype = 'U8' }), 'MODEL_TENSOR', /dtype U8; it can be F32, F16, I8/)
  await refused(header((h) => { h[name].dtype = 'F32' }), 'MODEL_TENSOR', /256 bytes for dtype F32/)
  await refused(header((h) => { h[name].dtype = 'F8_E5M2' }), 'MODEL_TENSOR', /"F8_E5M2" is unknown/)
  await refused(header((h) => { h[name].shape = [8, 32] }), 'MODEL_TENSOR', /has shape \[8, 32\]/)
  await refused(header((h) => { h[name].shape = [256] }), 'MODEL_TENSOR', /has shape \[256\]/)
  await refused(header((h) => { h[name].shape = [-16, -16] }), 'MODEL_TENSOR', /not a list of sizes/)
  await refused(header((h) => { h[name].shape = [2 ** 40, 2 ** 40] }), 'MODEL_TENSOR', /bytes for dtype I8/)
  await refused(header((h) => { h[name].data_offsets[0] -= 1; h[name].data_offsets[1] -= 1 }), 'MODEL_TENSOR', /its bytes start at/)
  await refused(header((h) => { h[name].data_offsets = h['norm.bias'].data_offsets }), 'MODEL_TENSOR', /bytes for dtype|start at/)
  await refused(header((h) => { h[name].data_offsets.reverse() }), 'MODEL_TENSOR', /not two ascending numbers/)
  await refused(header((h) => { h[name].data_offsets = [0] }), 'MODEL_TENSOR', /not two ascending numbers/)
  await refused(header((h) => { h[name] = 7 }), 'MODEL_TENSOR', /not an object/)
  await refused(header((h) => { h['norm.bias'].data_offsets = [1e15, 1e15 + 64] }), 'MODEL_TENSOR', /start/)
  // The same name twice: JSON keeps the last, and the bytes of the first are a hole.
  await refused(withHeader(bytes, (h) => JSON.stringify(h).replace('"norm.bias"', '"norm.weight"')), 'MODEL_TENSOR', /its bytes start at/)
})

test('weights that are not finite', async () => {
  for (const [bits, dtype] of [[[0, 0, 0x80, 0x7f], 'F32'], [[0, 0, 0xc0, 0x7f], 'F32'], [[0, 0x7c], 'F16'], [[1, 0xfc], 'F16']]) {
    const bytes = tiny({}, { dtype })
    tensorBytes(bytes, 'attn.E').set(bits, 8)
    await refused(bytes, 'MODEL_TENSOR', /attn\.E has a value that is not a finite number/)
  }
  const bytes = tiny({}, { dtype: 'I8' })
  tensorBytes(bytes, 'attn.E.scale').set([0, 0, 0x80, 0xff], 0)
  await refused(bytes, 'MODEL_TENSOR', /attn\.E\.scale has a value/)
})

test('a tokenizer whose tables contradict themselves', async () => {
  const spoil = (name, at, values) => {
    const bytes = tiny()
    tensorBytes(bytes, name).set(values, at)
    return bytes
  }
  await refused(spoil('tokenizer.vocab', 65, [66]), 'MODEL_TENSOR', /tables contradict themselves/)
  await refused(spoil('tokenizer.offsets', 40, [255, 255, 255, 255]), 'MODEL_TENSOR', /tables contradict themselves/)
  await refused(withHeader(tiny(), (h) => { h['tokenizer.offsets'].dtype = 'F32' }), 'MODEL_TENSOR', /tokenizer\.offsets is F32/)
})

test('weights so large that no logit is finite: an error, not a label', async () => {
  const bytes = tiny()
  for (const name of ['head.weight', 'norm.bias']) {
    const data = tensorBytes(bytes, name)
    data.set(new Uint8Array(Float32Array.from({ length: data.length / 4 }, () => 3e38).buffer))
  }
  const classifier = await load(bytes)
  await assert.rejects(classifier.classify('text'), { code: 'NOT_FINITE' })
  const results = await classifier.classify(['a', 'b'])
  assert.deepEqual(results.map(({ error }) => error.code), ['NOT_FINITE', 'NOT_FINITE'])
})

test('a budget that is too small by one byte', async () => {
  const bytes = tiny()
  const { memory } = await load(bytes, { maxTokens: 64 })
  assert.ok(await load(bytes, { memoryBudget: memory.total }))
  const error = await refusal(bytes, { memoryBudget: memory.total - 1 })
  assert.equal(error.code, 'BUDGET_TOO_SMALL')
  assert.deepEqual(error.details, { budget: memory.total - 1, needed: memory.total, capacity: 64 })
  assert.match(error.message, new RegExp(memory.total.toLocaleString('en-US')))
})

test('options that cannot be', async () => {
  const bytes = tiny()
  for (const options of [
    { memoryBudget: 0 }, { memoryBudget: -5 }, { memoryBudget: NaN }, { memoryBudget: '5' }, { maxTokens: 1.5 }, { threads: 0 },
    { backend: 'avx' }, { backend: 'toString' }, { onProgress: 5 }, null, 5
  ]) await refused(bytes, 'BAD_ARGUMENT', /\w/, options)
  const classifier = await load(bytes)
  for (const options of [{ topK: 0 }, { topK: 1.5 }, { topK: 'all' }, { overflow: 'cut' }, { signal: {} }, { onProgress: 'yes' }, null]) {
    await assert.rejects(classifier.classify('text', options), { name: 'LinformerError', code: 'BAD_ARGUMENT' })
  }
  for (const input of [undefined, null, 5, {}, { text: 5 }, new Uint8Array(3), { text: 'a', textPair: null }]) {
    await assert.rejects(classifier.classify(input), { name: 'LinformerError', code: 'BAD_ARGUMENT' })
  }
  await assert.rejects(classifier.classify(''), { code: 'EMPTY_TEXT' })
  await assert.rejects(classifier.classify({ text: '', textPair: '' }), { code: 'EMPTY_TEXT' })
  assert.ok((await classifier.classify('still works')).label)
})

test('a module that is none', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/page') response.end('<!doctype html><p>hello')
    else response.writeHead(404).end()
  }).listen(0)
  t.after(() => { server.closeAllConnections(); server.close() })
  await new Promise((resolve) => server.once('listening', resolve))
  const at = (path) => `http://127.0.0.1:${server.address().port}${path}`
  await refused(tiny(), 'ENGINE', /module is missing: .*\/page is a web page/, { wasm: at('/page') })
  await refused(tiny(), 'ENGINE', /module is missing: .*\/none answered with HTTP status 404/, { wasm: at('/none') })
  await refused(tiny(), 'ENGINE', /not a WebAssembly module/, { wasm: new TextEncoder().encode('<!doctype html>') })
  await refused(tiny(), 'ENGINE', /could not be compiled/, { wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 99) })
})

test('abort before and during a load, and at every stage of a classification', async () => {
  const bytes = tiny({ n_max: 20000, k: [64, 64] })
  const reason = new Error('changed my mind')
  await assert.rejects(load(bytes, { signal: AbortSignal.abort(reason) }), { code: 'ABORTED', cause: reason })
  for (const phase of ['download', 'weights']) {
    const controller = new AbortController()
    const onProgress = (event) => { if (event.phase === phase) controller.abort(reason) }
    await assert.rejects(load(new Response(bytes), { signal: controller.signal, onProgress }), { code: 'ABORTED', cause: reason })
  }
  const classifier = await load(bytes)
  const long = 'words and words '.repeat(1200)
  const expected = await classifier.classify(long)
  await assert.rejects(classifier.classify(long, { signal: AbortSignal.abort(reason) }), { code: 'ABORTED', cause: reason })
  for (const phase of ['tokenize', 'encode']) {
    for (const share of [0, 0.5]) {
      const controller = new AbortController()
      const onProgress = ({ phase: now, done, total }) => { if (now === phase && done >= share * total) controller.abort(reason) }
      await assert.rejects(classifier.classify(long, { signal: controller.signal, onProgress }), { code: 'ABORTED', cause: reason })
      assert.deepEqual(await classifier.classify(long), expected)
    }
  }
  const controller = new AbortController()
  setTimeout(() => controller.abort(reason), 5)
  const results = classifier.classify(new Array(100).fill(long), { signal: controller.signal })
  await assert.rejects(results, { code: 'ABORTED', cause: reason })
  assert.deepEqual(await classifier.classify(long), expected)
})

test('dispose ends what runs and what comes after, and may be called twice', async () => {
  const classifier = await load(tiny({ n_max: 20000, k: [64, 64] }))
  const running = classifier.classify('words and words '.repeat(1200), {
    onProgress: ({ phase }) => { if (phase === 'encode') classifier.dispose() }
  })
  await assert.rejects(running, { code: 'DISPOSED' })
  await assert.rejects(classifier.classify('text'), { code: 'DISPOSED' })
  await assert.rejects(classifier.classify(['text']), { code: 'DISPOSED' })
  classifier.dispose()
})

test('what is written as .safetensors can be read again, or is refused by name', () => {
  const tensor = (dtype, shape, bytes) => ({ dtype, shape, data: new Uint8Array(bytes).fill(3) })
  const one = tensor('F32', [2], 8)
  const refusedWith = (message, tensors, metadata) => {
    assert.throws(() => writeSafetensors(tensors, metadata), (error) => error instanceof LinformerError && error.code === 'BAD_ARGUMENT' && message.test(error.message), String(message))
  }
  // Names and keys that mean something to JavaScript, no metadata, and numbers in place of their bytes.
  const names = ['__proto__', 'constructor', 'toString', '2', '1', '\u{1f600}']
  const odd = Object.fromEntries([['__proto__', 'x'], ['constructor', 'y']])
  const read = readSafetensors(writeSafetensors(names.map((name) => [name, one]), odd))
  assert.deepEqual([...read.tensors.keys()].sort(), [...names].sort())
  assert.deepEqual(Object.entries(read.metadata), Object.entries(odd))
  assert.deepEqual(readSafetensors(writeSafetensors([])), { metadata: {}, tensors: new Map() })
  const floats = writeSafetensors([['a', { ...one, data: Float32Array.of(1.5, -2) }]], {})
  assert.deepEqual(tensorValues(readSafetensors(floats).tensors, 'a'), Float32Array.of(1.5, -2))

  refusedWith(/^tensor "a": it is there twice/, [['a', one], ['b', one], ['a', one]], {})
  refusedWith(/cannot be called "__metadata__"/, [['__metadata__', one]], {})
  refusedWith(/cannot be called 5/, [[5, one]], {})
  refusedWith(/cannot be called undefined/, [5], {})
  refusedWith(/^tensor "a": 4 bytes for dtype F32 and shape \[2\], which take 8/, [['a', tensor('F32', [2], 4)]], {})
  refusedWith(/^tensor "a": dtype "F31" is unknown/, [['a', tensor('F31', [2], 8)]], {})
  refusedWith(/^tensor "a": shape \[-2\] is not a list of sizes/, [['a', tensor('F32', [-2], 8)]], {})
  for (const bad of [undefined, null, {}, { ...one, data: [0, 0] }]) refusedWith(/^tensor "a": its data is not bytes/, [['a', bad]], {})
  for (const tensors of [undefined, null, {}, 5]) refusedWith(/^tensors is /, tensors, {})
  refusedWith(/^metadata "labels" is \["a"\], not a string/, [], { labels: ['a'] })
  for (const metadata of [null, 'abc', ['a']]) refusedWith(/^metadata is /, [], metadata)
  refusedWith(/^4097 tensors; 4096 are possible/, Array.from({ length: 4097 }, (_, i) => [`t${i}`, tensor('U8', [0], 0)]), {})
})

test('bytes of a .safetensors file in any view, and what is none', () => {
  const bytes = writeSafetensors([['a', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }]], { b: 'c' })
  const words = new Uint16Array(Math.ceil(bytes.length / 2) + 1)
  new Uint8Array(words.buffer).set(bytes, 2)
  for (const view of [bytes.buffer, new DataView(bytes.buffer), new DataView(words.buffer, 2, bytes.length), new Int8Array(bytes.buffer)]) {
    const { metadata, tensors } = readSafetensors(view)
    assert.deepEqual([metadata, [...tensorValues(tensors, 'a')]], [{ b: 'c' }, [1, 2, 3]])
  }
  const gone = new Uint8Array(8)
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  for (const none of [undefined, null, 'abc', {}, [1], 5, gone, gone.buffer]) {
    assert.throws(() => readSafetensors(none), { name: 'LinformerError', code: 'BAD_ARGUMENT', message: /^the file has to be bytes/ })
  }
  for (const none of [undefined, null, {}]) assert.throws(() => tensorValues(none, 'a'), { code: 'BAD_ARGUMENT', message: /^tensors is / })
  for (const [name, tensor, message] of [
    ['a', { dtype: 'F32', shape: [1], data: new Uint8Array(3) }, /3 bytes for dtype F32/],
    ['a', { dtype: 'F32', shape: [1] }, /not bytes/],
    ['w', { dtype: 'I8', shape: [3, 2], data: new Uint8Array(6) }, /its scale has 2 numbers/]
  ]) {
    const tensors = new Map([[name, tensor], ['w.scale', { dtype: 'F32', shape: [2], data: new Uint8Array(8) }]])
    assert.throws(() => tensorValues(tensors, name), { code: 'MODEL_TENSOR', message, details: { tensor: name } })
  }
})
