/**
 * Classifiers as frameworks and tests hand them on: detached, copied, behind proxies, here and in a worker; and results
 * as JSON.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { load, LinformerError } from 'linformer-wasm'
import { load as loadInWorker } from 'linformer-wasm/worker'
import { tiny } from './helpers/models.js'

/** What Vue's `reactive` and MobX do: every object that comes out of a property is wrapped too. */
const reactive = (target) => new Proxy(target, {
  get(object, key, receiver) {
    const value = Reflect.get(object, key, receiver)
    return typeof value === 'object' && value !== null && Object.isExtensible(value) ? reactive(value) : value
  }
})

for (const [host, begin] of [['this thread', load], ['a worker', loadInWorker]]) {
  test(`methods depend on no this, in ${host}`, async () => {
    const classifier = await begin(tiny())
    const expected = await classifier.classify('some text')
    const { classify, dispose } = classifier
    assert.deepEqual(await classify('some text'), expected)
    assert.deepEqual(await reactive(classifier).classify('some text'), expected)
    assert.deepEqual(await reactive({ inner: { classifier } }).inner.classifier.classify('some text'), expected)
    assert.deepEqual(await { ...classifier }.classify('some text'), expected)
    assert.deepEqual(await Object.create(classifier).classify('some text'), expected)
    assert.deepEqual(await Promise.all(['some text'].map((text) => classify(text))), [expected])
    for await (const result of reactive(classifier).classify((async function* () { yield 'some text' })())) assert.deepEqual(result, expected)
    if (typeof Symbol.dispose === 'symbol') assert.equal(typeof classifier[Symbol.dispose], 'function')
    dispose()
    await assert.rejects(classifier.classify('some text'), { code: 'DISPOSED' })
  })
}

test('a failure in an array keeps its code and message in JSON, whatever its details hold', async () => {
  const classifier = await load(tiny())
  const [failure] = JSON.parse(JSON.stringify(await classifier.classify(['', 'text'])))
  assert.equal(failure.error.code, 'EMPTY_TEXT')
  assert.match(failure.error.message, /empty/)
  const circle = {}
  circle.circle = circle
  const error = new LinformerError('BAD_ARGUMENT', 'no', { circle, big: 1n })
  assert.deepEqual(JSON.parse(JSON.stringify({ error })), { error: { name: 'LinformerError', code: 'BAD_ARGUMENT', message: 'no' } })
})
