/**
 * What the benchmarks compute beside measuring. That the engines agree is checked in every run of theirs.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { variantsOf } from '../../bench/compare.js'
import { benchFile, benchModel } from '../../bench/model.js'
import { onnxFile, OnnxModel } from '../../bench/onnx.js'
import { operations, stages } from '../../bench/operations.js'
import { plot } from '../../bench/plot.js'
import { liteRtTable, shareOfPeak } from '../../bench/report.js'
import { ratio, summarise } from '../../bench/statistics.js'

const CONFIG = { vocab_size: 257, n_max: 4096, d_model: 128, n_layers: 1, n_heads: 4, d_ff: 512, n_classes: 2, k: [128], sharing: 'layerwise', projection: 'linear', positions: 'learned' }

test('operations: attention of one layer has 340 million multiply-adds, in a standard Transformer 4,563 million', () => {
  for (const [attention, millions] of [['linformer', 340], ['full', 4563]]) {
    const counted = stages({ ...CONFIG, attention })
    const sum = ['projection', 'keys and values', 'query and output', 'attention'].reduce((total, name) => total + counted[name].operations, 0)
    assert.equal(Math.round(sum / 2e6), millions)
    const rest = counted['feed-forward'].operations + counted.head.operations
    assert.equal(operations({ ...CONFIG, attention }), sum + rest)
    assert.equal(rest, 2 * 4096 * (2 * 128 * 512 + 2 * 128))
  }
})

test('statistics: quartiles are interpolated, ratios are taken round by round', () => {
  assert.deepEqual(summarise([4, 1, 3, 2]), { median: 2.5, q1: 1.75, q3: 3.25, min: 1, max: 4, count: 4 })
  assert.deepEqual(ratio([10, 40], [5, 10]), { median: 3, q1: 2.5, q3: 3.5, min: 2, max: 4, count: 2 })
  assert.equal(ratio([], [1]), undefined)
})

test('the share of the peak is that of the fastest instructions, and none where there are none', () => {
  const measured = { variant: { engine: 'linformer-wasm', backend: 'relaxed', precision: 'int8', threads: 2, shape: { attention: 'linformer', n_max: 4096, k: [128, 128, 128, 128] } }, times: [100], wall: [100] }
  const perSecond = operations({ ...CONFIG, attention: 'linformer', n_layers: 4, k: [128, 128, 128, 128] }) / 0.1
  assert.equal(shareOfPeak(measured, { 'int8 relaxed': perSecond }), 1 / 2)
  assert.equal(shareOfPeak(measured, { 'int8 relaxed': perSecond, 'int8 relaxed, by pairs': 2 * perSecond }), 1 / 4)
  assert.equal(shareOfPeak(measured, { 'int8 relaxed': 2 * perSecond, 'int8 relaxed, by pairs': perSecond }), 1 / 4)
  assert.equal(shareOfPeak(measured, { 'int8 relaxed': 0, 'int8 relaxed, by pairs': 0 }), Infinity)
})

test('LiteRT.js is compared in a page, with what runs the same precision, instructions and threads here', () => {
  assert.deepEqual(variantsOf(512).filter(({ engine }) => engine === 'LiteRT.js'), [])
  const linformers = variantsOf(512, { transformer: false })
  assert.ok(linformers.length > 0 && linformers.every(({ shape }) => shape.attention === 'linformer'))
  const variants = variantsOf(512, { page: true })
  assert.equal(variants[0].engine, 'onnxruntime-web', 'the first is the one that others are compared with')
  const milliseconds = { 'onnxruntime-web': 8, 'LiteRT.js': 6, 'linformer-wasm': 2 }
  const measured = variants.map((variant) => {
    const ms = milliseconds[variant.engine] * (variant.precision === 'int8' && variant.engine === 'linformer-wasm' ? 0.5 : 1)
    return { variant, times: [ms, ms, ms], wall: [] }
  })
  const rows = liteRtTable('Chromium', [measured]).trim().split('\n').slice(3).map((line) => line.split(/ {2,}/))
  assert.deepEqual(rows, ['simd128, 1 thread', 'relaxed, 1 thread', 'relaxed, 2 threads'].flatMap((name) => [
    [`float32 ${name}`, '3.00 [3.00, 3.00]'], [`int8 ${name}`, '6.00 [6.00, 6.00]']
  ]))
  assert.equal(liteRtTable('Node.js', [measured.filter(({ variant }) => variant.engine !== 'LiteRT.js')]), '')
})

test('the ONNX file of a model: every value comes from the input, a weight or an earlier node, and every weight has its size', () => {
  const small = { n_max: 64, d_model: 16, n_layers: 2, n_heads: 4, d_ff: 24, k: [8, 8] }
  for (const shape of [{ attention: 'linformer' }, { attention: 'full' }, { attention: 'linformer', stem: 8 }]) {
    for (const precision of ['float32', 'int8']) {
      const model = benchModel(benchFile({ ...small, ...shape }))
      const { graph, opset_import: [opset] } = OnnxModel.toObject(OnnxModel.decode(onnxFile(model, precision)), { longs: Number, defaults: true })
      assert.equal(opset.version, 20)
      assert.deepEqual(graph.input.map(({ name, type }) => [name, type.tensor_type.elem_type, type.tensor_type.shape.dim[0].dim_value]), [['ids', 7, 64]])
      assert.equal(graph.node.filter(({ op_type }) => op_type === 'Softmax').length, 2)
      const known = new Set(['ids'])
      for (const { name, dims, data_type, raw_data } of graph.initializer) {
        const size = { 1: 4, 3: 1, 7: 8 }[data_type]
        assert.equal(raw_data.length, dims.reduce((product, size) => product * size, size), name)
        known.add(name)
      }
      // FLOAT, INT, STRING, INTS: the field that holds the value
      const types = graph.node.flatMap(({ attribute }) => attribute.map(({ name, type }) => [name, type]))
      assert.deepEqual(new Map(types), new Map([['axis', 2], ['epsilon', 1], ['perm', 7], ['transB', 2], ['approximate', 3], ['keepdims', 2], ...precision === 'int8' ? [['to', 2]] : []]))
      for (const { op_type, input, output } of graph.node) {
        for (const name of input) assert.ok(known.has(name), `${op_type} reads ${name}`)
        for (const name of output) known.add(name)
      }
      assert.ok(known.has(graph.output[0].name))
      assert.equal(graph.initializer.some(({ data_type }) => data_type === 3), precision === 'int8')
      const kept = new Set(graph.initializer.map(({ name }) => name.replace(/\.quantised$/, '')))
      for (const name of model.weights.keys()) assert.ok(kept.has(name) || kept.has(name.replace(/\.weight$/, '')), `${name} is left out`)
    }
  }
})

test('a plot has a line through every point, inside its frame', () => {
  const svg = plot({ title: 'a < b', x: 'tokens', y: 'ms', series: [{ name: 'one', points: [[512, 3], [4096, 30]] }, { name: 'none', points: [] }] })
  assert.match(svg, /^<svg[^>]*viewBox="0 0 760 460"/)
  assert.match(svg, /a &lt; b/)
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)])
  assert.equal(circles.length, 2)
  for (const [x, y] of circles) assert.ok(x >= 70 && x <= 510 && y >= 40 && y <= 410, `${x}, ${y}`)
  assert.ok(circles[0][0] < circles[1][0] && circles[0][1] > circles[1][1], 'more is to the right and up')
})

test('the command explains itself, and refuses what it does not know', () => {
  const run = (...args) => spawnSync(process.execPath, ['bench/run.js', ...args], { encoding: 'utf8' })
  const help = run('--help')
  assert.equal(help.status, 0)
  assert.match(help.stdout, /Usage: npm run bench/)
  for (const args of [['--only', 'compare,speed'], ['--lengths', '512,-1'], ['--rounds', 'many'], ['--host', 'webkit,opera'], ['--host', 'firefox', '--no-vnni'], ['--fast']]) {
    const { status, stdout, stderr } = run(...args)
    assert.equal(status, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /^bench: /)
  }
})
