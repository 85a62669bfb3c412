/**
 * Results as text: what `npm run bench` prints.
 */
import { operations } from './operations.js'
import { peakOf } from './peak.js'
import { ratio, summarise } from './statistics.js'

/**
 * @typedef {import('./rounds.js').Measured} Measured
 * @typedef {import('./statistics.js').Summary} Summary
 */

/**
 * @param {string} title
 * @param {string[]} head
 * @param {(string | number | undefined)[][]} rows the first column is aligned left; a row of two is a name and a remark
 * @returns {string}
 */
export function table(title, head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell ?? '')))
  const widths = head.map((_, column) => Math.max(...cells.filter((row) => column === 0 || row.length === head.length).map((row) => row[column].length)))
  const aligned = (/** @type {string} */ cell, /** @type {number} */ column, /** @type {string[]} */ row) =>
    column === 0 ? cell.padEnd(widths[0]) : row.length === head.length ? cell.padStart(widths[column]) : cell
  const lines = cells.map((row) => row.map(aligned).join('  ').trimEnd())
  return `\n${title}\n${lines[0]}\n${widths.map((width) => '-'.repeat(width)).join('  ')}\n${lines.slice(1).join('\n')}\n`
}

const digits = (/** @type {number} */ value) => Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
const spread = (/** @type {Summary} */ { median, q1, q3, count }) => count === 1 ? digits(median) : `${digits(median)} [${digits(q1)}, ${digits(q3)}]`
const mebibytes = (/** @type {number | undefined} */ bytes) => bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(1)
const percent = (/** @type {number} */ share) => Number.isFinite(share) ? `${(100 * share).toFixed(0)}%` : ''

/** @param {import('./engines.js').Variant} variant */
export function variantName({ engine, backend, precision, threads, shape, file }) {
  const model = shape.attention === 'full' ? 'Transformer' : 'Linformer'
  return `${engine} ${model} ${precision}${backend ? ` ${backend}` : ''}, ${threads} thread${threads > 1 ? 's' : ''}${file ? ', torch.onnx' : ''}`
}

/** What the numbers of `config` leave to their defaults. @param {Partial<import('../wasm/index.js').Config>} shape */
const configOf = (shape) => /** @type {any} */ ({ d_model: 128, n_layers: 4, n_heads: 4, d_ff: 512, n_classes: 2, projection: 'linear', ...shape })

/**
 * Of the time, the part that the matrix products would take at the peak. int8 stands for the peak of int8 for all of
 * them, though some products stay in float32.
 *
 * @param {Measured} measured
 * @param {Record<string, number>} peaks
 */
export function shareOfPeak({ variant, times }, peaks) {
  const backend = variant.backend ?? 'relaxed'
  const peak = peakOf(peaks, `${variant.precision} ${backend}`) * variant.threads
  return operations(configOf(variant.shape)) / (summarise(times).median / 1000) / peak
}

/**
 * @param {string} hostName
 * @param {Measured[][]} lengths
 * @param {Record<string, number>} peaks
 */
export function compareTables(hostName, lengths, peaks) {
  return lengths.map((measured) => {
    const n = measured[0].variant.shape.n_max
    const base = measured[0]
    const rows = measured.map((entry) => {
      const { variant, times, failed, memory, peakRss, margin, notAvailable } = entry
      const name = variantName(variant)
      if (times.length === 0) return [name, notAvailable ? `not available: ${failed}` : `failed: ${failed}`]
      const faster = ratio(base.times, times)
      const sameModel = measured.find((other) => other.variant.shape.attention === variant.shape.attention && other.margin !== undefined)
      return [
        name, spread(summarise(times)), faster ? spread(faster) : '', percent(shareOfPeak(entry, peaks)), mebibytes(memory), mebibytes(peakRss),
        margin?.toFixed(5), sameModel?.margin === undefined || margin === undefined ? '' : Math.abs(margin - sameModel.margin).toExponential(1)
      ]
    })
    return table(`${hostName}, n = ${n.toLocaleString('en')}: ${variantName(base.variant)} = 1`,
      ['', 'ms', 'times faster', 'of peak', 'MiB', 'process MiB', 'logit 0 - 1', 'difference'], rows)
  }).join('')
}

/**
 * What a comparison comes to, length by length; this engine with relaxed SIMD.
 *
 * @param {string} hostName
 * @param {Measured[][]} lengths
 */
export function summaryTable(hostName, lengths) {
  const rows = lengths.map((measured) => {
    /** @param {string} engine @param {string} attention @param {string} precision @param {number} [threads] */
    const times = (engine, attention, precision, threads = 1) => measured.find(({ variant }) => variant.engine === engine &&
      variant.shape.attention === attention && variant.precision === precision && variant.threads === threads && variant.backend !== 'simd128' && !variant.file)
    const [ours, peer] = ['linformer-wasm', 'onnxruntime-web']
    /** Of times, by the clock where one of them has two threads. @param {Measured | undefined} slow @param {Measured | undefined} fast */
    const over = (slow, fast) => {
      if (!slow?.times.length || !fast?.times.length) return '-'
      const key = slow.variant.threads === fast.variant.threads ? 'times' : 'wall'
      return digits(/** @type {Summary} */ (ratio(slow[key], fast[key])).median)
    }
    const float32 = times(ours, 'linformer', 'float32')
    const int8 = times(ours, 'linformer', 'int8')
    const n = measured[0].variant.shape.n_max
    return [
      n.toLocaleString('en'), over(times(peer, 'linformer', 'float32'), float32), over(times(peer, 'linformer', 'float32'), int8), over(times(peer, 'linformer', 'int8'), int8),
      over(times(ours, 'full', 'float32'), float32), over(times(ours, 'full', 'int8'), int8), over(times(peer, 'full', 'float32'), float32), over(times(peer, 'full', 'float32'), int8),
      over(float32, times(ours, 'linformer', 'float32', 2)), over(int8, times(ours, 'linformer', 'int8', 2)),
      float32?.times.length ? digits(1000 * summarise(float32.times).median / n) : '-', int8?.times.length ? digits(1000 * summarise(int8.times).median / n) : '-'
    ]
  })
  return table(`${hostName}: times faster (f: float32, i: int8; ours relaxed; ort: onnxruntime-web)`, [
    'n', 'f, ort f', 'i, ort f', 'i, ort i', 'f, Transformer f', 'i, Transformer i', 'f, ort Transformer f', 'i, ort Transformer f',
    'f, 2 threads', 'i, 2 threads', 'f us/token', 'i us/token'
  ], rows)
}

/**
 * This engine over LiteRT.js of the same precision, instructions and threads; nothing where that was not measured.
 *
 * @param {string} hostName
 * @param {Measured[][]} lengths
 */
export function liteRtTable(hostName, lengths) {
  const same = (/** @type {import('./engines.js').Variant} */ a, /** @type {import('./engines.js').Variant} */ b) =>
    a.precision === b.precision && a.backend === b.backend && a.threads === b.threads && a.shape.attention === b.shape.attention
  /** @type {Map<string, string[]>} */
  const rows = new Map()
  const measured = lengths.filter((entries) => entries.some(({ variant }) => variant.engine === 'LiteRT.js'))
  for (const [column, entries] of measured.entries()) {
    for (const { variant, times } of entries.filter((entry) => entry.variant.engine === 'LiteRT.js' && entry.times.length > 0)) {
      const ours = entries.find((entry) => entry.variant.engine === 'linformer-wasm' && same(entry.variant, variant))
      const faster = ours && ratio(times, ours.times)
      const name = `${variant.precision} ${variant.backend}, ${variant.threads} thread${variant.threads > 1 ? 's' : ''}`
      const row = rows.get(name) ?? new Array(measured.length).fill('-')
      rows.set(name, row)
      if (faster) row[column] = spread(faster)
    }
  }
  if (rows.size === 0) return ''
  const head = measured.map(([{ variant }]) => `n = ${variant.shape.n_max.toLocaleString('en')}`)
  return table(`${hostName}: times faster than LiteRT.js`, ['', ...head], [...rows].map(([name, row]) => [name, ...row]))
}

/** @param {string} hostName @param {Record<string, number>} peaks operations a second */
export const peakTable = (hostName, peaks) => table(`${hostName}: peak of one core`, ['', 'G operations/s'],
  Object.entries(peaks).map(([name, value]) => [name, value === 0 ? 'not available' : (value / 1e9).toFixed(1)]))

/**
 * @param {string} title
 * @param {Awaited<ReturnType<typeof import('./stages.js').measureStages>>} measured
 * @param {number} peak
 */
export function stagesTable(title, measured, peak) {
  if (measured === undefined) return `\n${title}: not available\n`
  const rows = measured.stages.map(({ name, ms, operations: count, exponentials, bytes }) => [
    name, digits(ms), percent(ms / measured.total), (count / 1e6).toFixed(0), count > 1e7 ? percent(count / (ms / 1000) / peak) : '',
    (exponentials / 1e6).toFixed(1), (bytes / 1e6).toFixed(1)
  ])
  const all = measured.stages.reduce((sum, stage) => sum + stage.operations, 0)
  rows.push(['all', digits(measured.total), '100%', (all / 1e6).toFixed(0), percent(all / (measured.total / 1000) / peak), '', ''])
  return table(title, ['', 'ms', 'of the time', 'M operations', 'of peak', 'M exponentials', 'MB to and from memory'], rows)
}

/** @param {string} hostName @param {import('./start.js').Start[]} starts */
export function startTable(hostName, starts) {
  const rows = starts.map((start) => {
    const fetched = /** @type {{ fetched?: import('./start.js').Fetched[] }} */ (start).fetched
    const sum = (/** @type {boolean} */ model, /** @type {'bytes' | 'brotli'} */ key) => fetched &&
      (fetched.filter(({ path }) => /models\/|shipped/.test(path) === model).reduce((total, file) => total + file[key], 0) / 1e6).toFixed(2)
    return [start.engine, spread(start.ms), start.label, sum(false, 'bytes'), sum(false, 'brotli'), sum(true, 'bytes'), sum(true, 'brotli')]
  })
  return table(`${hostName}: cold start to the first label`, ['', 'ms', 'label', 'code MB', 'brotli', 'model MB', 'brotli'], rows)
}

/** @param {Awaited<ReturnType<typeof import('./tokenizer.js').compareTokenizers>>} result */
export function tokenizerTable({ bytes, tokens, megabytesPerSecond, faster }) {
  return table(`Tokenizer, ${bytes.toLocaleString('en')} bytes`, ['', 'MB/s', 'tokens', 'times faster'], [
    ['linformer-wasm', spread(megabytesPerSecond.ours), tokens.ours, faster && spread(faster)],
    ['transformers.js', spread(megabytesPerSecond.theirs), tokens.theirs, '1']
  ])
}

/** @param {string} hostName @param {Awaited<ReturnType<typeof import('./models.js').measureModels>>} result */
export function modelsTables(hostName, { models, stem }) {
  const whole = (/** @type {number} */ value) => Math.round(value).toLocaleString('en')
  const rows = models.map(({ name, kind, loadMs, firstMs, speeds }) => [
    name, spread(loadMs), spread(firstMs),
    ...speeds.map(({ tokens, embedMs, classifyMs = embedMs }) => `${whole(1000 * tokens / classifyMs)} of ${whole(tokens)}`),
    ...speeds.slice(1).map(({ embedMs, classifyMs }) => classifyMs === undefined ? '' : percent(Math.max(0, 1 - embedMs / classifyMs))),
    kind === 'model' ? '' : percent(stem)
  ])
  const capacities = [...new Set(models.flatMap(({ memory }) => memory.map(({ capacity }) => capacity)))].sort((a, b) => a - b)
  return table(`${hostName}: the models that ship, one thread`,
    ['', 'load ms', 'first label ms', 'tokens/s, short', 'of 1,000', 'at the capacity', 'heads, of 1,000', 'heads, at the capacity', 'stem, of the trunk'], rows) +
    table('Linear memory in MiB, by the tokens that are read at once', ['', ...capacities.map((n) => n.toLocaleString('en'))],
      models.map(({ name, memory }) => [name, ...capacities.map((n) => mebibytes(memory.find(({ capacity }) => capacity === n)?.total))]))
}

/** @param {Awaited<ReturnType<typeof import('./documents.js').measureDocuments>>} result */
export function documentsTables({ lengths, ways, commands }) {
  const whole = (/** @type {number} */ value) => Math.round(value).toLocaleString('en')
  const rows = ways.map(({ way, all, lengths: each, shortest, rss, missing }) => all === undefined || each === undefined || shortest === undefined ? [way.name, missing] : [
    way.name, whole(all.documents / all.seconds), whole(all.tokens / all.seconds), whole(all.documents / all.cpu), ...each.map(({ documents, seconds }) => whole(documents / seconds)),
    whole(1e6 * shortest.seconds / shortest.documents), mebibytes(rss)
  ])
  const first = ways[0].all
  const mean = first === undefined ? '' : `, ${(first.tokens / first.documents).toFixed(0)} tokens on average`
  const profiles = ways.flatMap(({ way, profile }) => profile === undefined ? [] : [
    table(`${way.name}: where the time of a call goes, one token`, ['', 'us'], profile.slice(0, 10).map(([name, us]) => [name, us.toFixed(1)]))
  ])
  return table(`10,000 documents of 20 to 200 tokens${mean}`,
    ['', 'documents/s', 'tokens/s', 'a second of processor', ...lengths.map((tokens) => `of ${tokens} tokens/s`), 'us a call of one token', 'process MiB'], rows) +
    table('The command line, 10,000 documents, from start to end', ['', 'documents/s', 's'],
      commands.map(({ name, documents, seconds }) => [name, whole(documents / seconds), seconds.toFixed(1)])) + profiles.join('')
}

/** @param {Awaited<ReturnType<typeof import('./agreement.js').agreement>>} result */
export function agreementTable({ documents, float32, int8, sameLabel, largestDifference }) {
  const exact = (/** @type {number} */ share) => `${(100 * share).toFixed(2)}%`
  return table(`int8 against float32, ${documents.toLocaleString('en')} documents`, ['', 'accuracy', 'same label', 'largest difference of a score'], [
    ['float32', exact(float32), '', ''],
    ['int8', exact(int8), exact(sameLabel), largestDifference.toFixed(3)]
  ])
}

/** @param {string} hostName @param {import('./table3.js').Cell[]} cells */
export function table3Table(hostName, cells) {
  const rows = cells.map(({ n, k, time, memory, scores, paper }) => [
    `n ${n}, k ${k}`, time && spread(time), paper[0], digits(memory), digits(scores), paper[1]
  ])
  return table(`${hostName}: time and memory saved against a standard Transformer (the paper's table 3)`,
    ['', 'time', 'paper', 'memory', 'if it held its scores', 'paper'], rows)
}
