/**
 * linformer bench: the layerwise Linformer against the standard Transformer of the same size, in this engine.
 */
import { load, LinformerError, tensorShapes, writeSafetensors } from 'linformer-wasm'
import { randomWeights } from '../random-weights.js'
import { complain, mebibytes, ProgressBar, UsageError, wholeNumber, write } from '../terminal.js'

export const benchOptions = /** @type {const} */ ({
  lengths: { type: 'string' },
  k: { type: 'string' },
  'd-model': { type: 'string' },
  layers: { type: 'string' },
  heads: { type: 'string' },
  'd-ff': { type: 'string' },
  runs: { type: 'string' },
  backend: { type: 'string' },
  json: { type: 'boolean' }
})

export const benchHelp = `Usage: linformer bench [options]

Time and memory of one document, random weights: layerwise Linformer against full attention of the same size.

      --lengths N,N,...  tokens (default: 512,1024,2048,4096,8192)
      --k N              projected length (default: 128, or the length if that is smaller)
      --d-model N        width (default: 128)      --layers N  (default: 4)
      --heads N          (default: 4)              --d-ff N    (default: 512)
      --runs N           runs of each, of which the median is told (default: 3)
      --backend NAME     relaxed or simd128
      --json             one JSON array
`

/** A run that would take longer than this is left out. */
const LONGEST_MS = 60_000

const median = (/** @type {number[]} */ values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/**
 * @param {import('linformer-wasm').Config['attention']} attention
 * @param {Partial<import('linformer-wasm').Config> & { n_max: number }} shape
 * @param {number} runs
 * @param {import('linformer-wasm').LoadOptions['backend']} backend
 */
async function measure(attention, shape, runs, backend) {
  const classifier = await load(randomWeights({ tensorShapes, writeSafetensors }, { ...shape, attention }), { backend, maxOperations: Number.MAX_SAFE_INTEGER })
  const text = 'x'.repeat(shape.n_max)
  const times = []
  await classifier.classify('x') // compiled code and warm memory, as a second document finds them
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    await classifier.classify(text)
    times.push(performance.now() - started)
    if (times[0] * runs > LONGEST_MS) break
  }
  const result = { ms: median(times), bytes: classifier.memory.total, workspace: classifier.memory.workspace, backend: classifier.backend }
  classifier.dispose()
  return result
}

/** Columns and rows of the plot. */
const WIDTH = 60
const HEIGHT = 16

/** @param {number} ms */
const label = (ms) => ms >= 1000 ? `${Number((ms / 1000).toPrecision(2))} s` : `${Number(ms.toPrecision(2))} ms`

/**
 * Curves, both axes logarithmic: a power of the length is a straight line, and its steepness the power.
 *
 * @param {{ mark: string, points: { tokens: number, ms: number }[] }[]} curves
 * @returns {string} lines; '' if there are fewer than two lengths
 */
function plot(curves) {
  const points = curves.flatMap((curve) => curve.points)
  const tokens = points.map((point) => Math.log(point.tokens))
  const times = points.map((point) => Math.log(Math.max(point.ms, 1e-3)))
  const [left, right] = [Math.min(...tokens), Math.max(...tokens)]
  const [low, high] = [Math.min(...times), Math.max(...times)]
  if (!(right > left) || !(high > low)) return ''
  const grid = Array.from({ length: HEIGHT }, () => new Array(WIDTH).fill(' '))
  const put = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ mark) => {
    const column = Math.round(((x - left) / (right - left)) * (WIDTH - 1))
    const row = Math.round(((high - y) / (high - low)) * (HEIGHT - 1))
    if (mark !== '·' || grid[row][column] === ' ') grid[row][column] = mark
  }
  for (const { mark, points } of curves) {
    const logs = points.map((point) => [Math.log(point.tokens), Math.log(Math.max(point.ms, 1e-3))])
    for (let i = 1; i < logs.length; i++) {
      for (let step = 0; step <= WIDTH; step++) {
        const [from, to] = [logs[i - 1], logs[i]]
        put(from[0] + ((to[0] - from[0]) * step) / WIDTH, from[1] + ((to[1] - from[1]) * step) / WIDTH, '·')
      }
    }
    for (const [x, y] of logs) put(x, y, mark)
  }
  const ticks = new Map([[0, high], [Math.floor(HEIGHT / 2), (high + low) / 2], [HEIGHT - 1, low]])
  const lines = grid.map((row, i) => {
    const tick = ticks.get(i)
    return `${(tick === undefined ? '' : label(Math.exp(tick))).padStart(9)} │${row.join('').trimEnd()}`
  })
  const [first, last] = [Math.round(Math.exp(left)), Math.round(Math.exp(right))].map((n) => n.toLocaleString('en-US'))
  lines.push(`${''.padStart(10)}└${'─'.repeat(WIDTH)}`, `${''.padStart(11)}${first}${`${last} tokens`.padStart(WIDTH - first.length)}`)
  return `${lines.join('\n')}\n`
}

/**
 * @param {import('./index.js').Values<typeof benchOptions>} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function bench(values, positionals) {
  if (positionals.length > 0) throw new UsageError(`bench takes no arguments, and ${JSON.stringify(positionals[0])} is one`)
  if (values.backend !== undefined && !['relaxed', 'simd128'].includes(values.backend)) {
    throw new UsageError(`--backend is ${JSON.stringify(values.backend)}; it can be relaxed or simd128`)
  }
  const backend = /** @type {import('linformer-wasm').LoadOptions['backend']} */ (values.backend)
  const lengths = String(values.lengths ?? '512,1024,2048,4096,8192').split(',').map((text) => Number(wholeNumber(text.trim(), 'lengths', 2 ** 20)))
  const layers = wholeNumber(values.layers, 'layers', 32) ?? 4
  const heads = wholeNumber(values.heads, 'heads', 64) ?? 4
  const dModel = wholeNumber(values['d-model'], 'd-model', 4096) ?? 128
  const dFf = wholeNumber(values['d-ff'], 'd-ff', 16384) ?? 512
  const k = wholeNumber(values.k, 'k') ?? 128
  const runs = wholeNumber(values.runs, 'runs') ?? 3
  if (dModel % heads !== 0) throw new UsageError(`--d-model ${dModel} is not a multiple of --heads ${heads}`)

  const bar = new ProgressBar()
  const rows = []
  /** @type {{ n: number, ms: number } | undefined} the longest full-attention run so far */
  let slowest
  if (!values.json) {
    await write(`d_model ${dModel}, ${layers} layers, ${heads} heads, d_ff ${dFf}, k ${k}; median of ${runs}, one thread\n`)
    await write('   tokens   linformer       memory   full attention       memory    faster  smaller workspace\n')
  }
  for (const [index, n] of lengths.entries()) {
    const shape = { vocab_size: 257, n_max: n, d_model: dModel, n_layers: layers, n_heads: heads, d_ff: dFf, k: new Array(layers).fill(Math.min(k, n)) }
    try {
      bar.show(`${n} tokens, linformer`, index / lengths.length)
      const linformer = await measure('linformer', shape, runs, backend)
      const expected = slowest === undefined ? 0 : slowest.ms * (n / slowest.n) ** 2
      bar.show(`${n} tokens, full attention`, (index + 0.5) / lengths.length)
      const full = expected > LONGEST_MS ? undefined : await measure('full', shape, runs, backend)
      if (full !== undefined) slowest = { n, ms: full.ms }
      bar.clear()
      rows.push({ tokens: n, linformer, full: full ?? null })
      if (values.json) continue
      const cells = [
        String(n).padStart(9), `${linformer.ms.toFixed(1)} ms`.padStart(12), mebibytes(linformer.bytes).padStart(13),
        full ? `${full.ms.toFixed(1)} ms`.padStart(17) : `left out, ~${Math.round(expected / 1000)} s`.padStart(17),
        full ? mebibytes(full.bytes).padStart(13) : ''.padStart(13),
        full ? `${(full.ms / linformer.ms).toFixed(1)}x`.padStart(10) : '', full ? `${(full.workspace / linformer.workspace).toFixed(1)}x`.padStart(19) : ''
      ]
      await write(`${cells.join('').trimEnd()}\n`)
    } catch (error) {
      if (!(error instanceof LinformerError)) throw error
      complain(`${n} tokens: ${error.message}`)
      return 1
    }
  }
  if (values.json) {
    await write(`${JSON.stringify(rows, null, 2)}\n`)
    return 0
  }
  const picture = plot([
    { mark: 'x', points: rows.flatMap(({ tokens, full }) => full === null ? [] : [{ tokens, ms: full.ms }]) },
    { mark: 'o', points: rows.map(({ tokens, linformer }) => ({ tokens, ms: linformer.ms })) }
  ])
  if (picture !== '') await write(`\n${picture}\n           o linformer   x full attention   both axes logarithmic\n`)
  return 0
}
