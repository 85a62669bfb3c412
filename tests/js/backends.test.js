/**
 * Relaxed SIMD stays within a bound of scalar, over odd sizes. That scalar and simd128 give the same bits: determinism.test.js.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { chooseBackend, isSupported } from '../../wasm/engine/backend.js'
import { CApi } from './helpers/c-api.js'

/**
 * Largest difference of the relaxed build from the scalar one, in units of the largest magnitude among a case's
 * values. A kernel is one reduction of at most 128 products; a model is several layers of them, and with int8 a last
 * bit can make a quantised activation the next one, a 127th of the row's range.
 */
const RELAXED_BOUND = { kernel: 1e-6, engine: 1e-5, int8: 2e-2 }

const scalar = new CApi('build/test/scalar.wasm')
const relaxed = new CApi('build/test/relaxed.wasm')

function results(api, kind, index) {
  const mark = api.top
  const out = api.allocate(4 << 18)
  const count = api.exports[`${kind}_case_run`](index, out)
  assert.ok(count > 0, `${kind} case ${index}: status ${count}`)
  api.top = mark
  return api.floats(out, count)
}

for (const kind of ['kernel', 'engine']) {
  const count = scalar.exports[`${kind}_case_count`]()

  const isInt8 = (index) => /int8|quantised/.test(scalar.string(scalar.exports[`${kind}_case_name`](index)))
  for (const [what, wanted] of [['float32', (index) => !isInt8(index)], ['int8', isInt8]]) {
    const bound = RELAXED_BOUND[kind === 'engine' && what === 'int8' ? 'int8' : kind]
    const cases = Array.from({ length: count }, (_, index) => index).filter(wanted)

    if (what === 'int8' && !isSupported('relaxed', 'int8')) {
      test(`${kind}: this host's dot product is wrong, so int8 is refused on relaxed SIMD and goes by simd128`, () => {
        assert.throws(() => chooseBackend('relaxed', 'int8'), { code: 'UNSUPPORTED' })
        assert.equal(chooseBackend(undefined, 'int8'), 'simd128')
      })
      continue
    }
    test(`${kind}: relaxed SIMD, ${what}, stays within ${bound} of scalar in ${cases.length} cases`, (t) => {
      assert.ok(cases.length > 0)
      let worst = 0
      for (const index of cases) {
        const name = `${kind} case ${index}, ${scalar.string(scalar.exports[`${kind}_case_name`](index))}`
        const expected = results(scalar, kind, index)
        const actual = results(relaxed, kind, index)
        const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30)
        expected.forEach((value, i) => {
          const off = Math.abs(actual[i] - value) / scale
          assert.ok(off <= bound, `${name}: value ${i} is ${actual[i]}, scalar says ${value}`)
          worst = Math.max(worst, off)
        })
      }
      t.diagnostic(`largest difference ${worst.toExponential(2)} of the largest value`)
    })
  }
}
