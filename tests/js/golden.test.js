/**
 * The engine against PyTorch, layer by layer: every attention kind, sharing mode, projection, dtype and kind of
 * position, on every backend. The goldens come from training/golden_model.py, which computes in float64.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import test from 'node:test'
import { CApi, readSafetensors } from './helpers/c-api.js'

const GOLDEN = new URL('../golden/model/', import.meta.url)
const TILE = 48
/** Difference allowed: see lf_precision. */
const BOUNDS = { float32: 2e-5, int8: 0.25 }
/** Labels whose evidence has to be the golden's window, as a share: in int8, windows with nearly the same mean change places. */
const SAME_WINDOW = { float32: 1, int8: 0.5 }

const integers = ({ data }) => new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4)
const floats = ({ data }) => new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4)

/**
 * Difference between two arrays: for floats the largest, in units of the golden's largest magnitude; for int8
 * the root of the mean square, in units of the golden's, since the largest of thousands of roundings says little.
 */
function difference(actual, golden, precision) {
  assert.equal(actual.length, golden.length)
  let largest = 0
  let scale = 1e-30
  let squares = 0
  let goldenSquares = 1e-30
  for (let i = 0; i < golden.length; i++) {
    assert.ok(Number.isFinite(actual[i]), `value ${i} is ${actual[i]}`)
    largest = Math.max(largest, Math.abs(actual[i] - golden[i]))
    scale = Math.max(scale, Math.abs(golden[i]))
    squares += (actual[i] - golden[i]) ** 2
    goldenSquares += golden[i] ** 2
  }
  return precision === 'int8' ? Math.sqrt(squares / goldenSquares) : largest / scale
}

const names = readdirSync(GOLDEN).filter((name) => name.endsWith('.safetensors')).sort()
test('there is a golden for every sharing mode with every projection, and for full attention', () => {
  for (const sharing of ['none', 'headwise', 'key-value', 'layerwise']) {
    for (const projection of ['linear', 'mean', 'max', 'conv']) {
      assert.ok(names.includes(`${sharing}-${projection}.safetensors`), `${sharing}-${projection}`)
    }
  }
  assert.ok(names.includes('full.safetensors'))
})

/** All that give results of their own: in int8, simd128 has the scalar bits, and relaxed its own bound to them. */
const variants = [['scalar', 'float32'], ['simd128', 'float32'], ['relaxed', 'float32'], ['simd128', 'int8']]

for (const [backend, precision] of variants) {
  const BOUND = BOUNDS[precision]
  for (const name of names) {
    test(`${backend}, ${precision}: ${name} as in PyTorch`, (t) => {
      const { metadata, tensors } = readSafetensors(new URL(name, GOLDEN))
      const json = JSON.parse(metadata.config)
      const entries = Object.entries(tensors)
      const weights = Object.fromEntries(entries.filter(([key]) => !key.startsWith('golden.')))
      const lengths = entries.map(([key]) => /^golden\.(\d+)\.ids$/.exec(key)?.[1]).filter(Boolean)
      assert.ok(lengths.length >= 4)
      const api = new CApi(`build/test/${backend}.wasm`)
      const config = api.config(json, weights, precision)
      const model = api.model(config, weights)
      const head = api.head(json, weights)
      const passesPerLayer = json.attention === 'full' ? 2 : 1
      let worst = 0
      for (const length of lengths) {
        const n = Number(length)
        const { data } = tensors[`golden.${n}.ids`]
        const ids = new Int32Array(data.buffer, data.byteOffset, n)
        const golden = (part) => floats(tensors[`golden.${n}.${part}`])
        const run = api.run(config, model, n)
        api.check(api.begin(run, ids), 'lf_begin')
        const tiles = Math.ceil(n / TILE)
        for (let layer = 0; layer <= json.n_layers; layer++) {
          const steps = layer === 0 ? tiles : tiles * passesPerLayer
          for (let i = 0; i < steps; i++) api.check(api.exports.lf_step(run, 1), 'lf_step')
          const size = n * json.d_model
          const x = difference(api.x(run, n, json.d_model), golden('x').slice(layer * size, (layer + 1) * size), precision)
          assert.ok(x <= BOUND, `n ${n}, x after layer ${layer}: difference ${x}`)
          worst = Math.max(worst, x)
        }
        assert.equal(api.exports.lf_run_done(run), api.exports.lf_run_total(run))
        const { evidence, ...results } = api.read(head, run, ids, json.n_classes)
        const window = tensors[`golden.${n}.evidence`] ? integers(tensors[`golden.${n}.evidence`]) : Array(json.n_classes).fill([0, n]).flat()
        assert.equal(evidence.length, 2 * json.n_classes)
        const same = Array.from({ length: json.n_classes }, (_, c) => evidence[2 * c] === window[2 * c] && evidence[2 * c + 1] === window[2 * c + 1])
        assert.ok(same.filter(Boolean).length >= SAME_WINDOW[precision] * json.n_classes, `n ${n}: evidence ${evidence}, not ${window}`)
        const [contributions, expected] = [results.contributions, golden('contributions')].map((values) => values.filter((_, i) => same[i % json.n_classes]))
        results.contributions = contributions
        if (tensors[`golden.${n}.pooled`]) results.pooled = api.floats(api.exports.lf_run_pooled(run), json.d_model)
        for (const [part, actual] of Object.entries(results)) {
          const off = difference(actual, part === 'contributions' ? expected : golden(part), precision)
          assert.ok(off <= BOUND, `n ${n}, ${part}: difference ${off}`)
          worst = Math.max(worst, off)
        }
      }
      t.diagnostic(`${precision === 'int8' ? 'root mean square' : 'largest'} difference ${worst.toExponential(2)}`)
    })
  }
}
