/**
 * linformer classify
 */
import { load, LinformerError } from 'linformer-wasm'
import { fromFiles, fromLines } from '../documents.js'
import { DEFAULT_MODEL, modelPath } from '../models.js'
import { complain, paint, ProgressBar, UsageError, wholeNumber, write } from '../terminal.js'

/**
 * @typedef {import('linformer-wasm').Result} Result
 * @typedef {import('linformer-wasm').Classifier} Classifier
 * @typedef {{ id: unknown, error: string } | { id: unknown } & Result} Answer
 */

export const classifyOptions = {
  model: { type: 'string', short: 'm' },
  json: { type: 'boolean' },
  jsonl: { type: 'boolean' },
  'top-k': { type: 'string', short: 'k' },
  overflow: { type: 'string' },
  explain: { type: 'boolean' },
  memory: { type: 'string' },
  threads: { type: 'string' },
  backend: { type: 'string' }
}

export const classifyHelp = `Usage: linformer classify [options] [FILE ... | -]

Labels each FILE, a UTF-8 text; '-', or no FILE, is standard input.

  -m, --model NAME|FILE  a shipped model or a .safetensors file (default: ${DEFAULT_MODEL})
      --json             one JSON value: an object for one document, an array for several
      --jsonl            read {"id", "text"} lines, write one line of JSON for each, in order, as they finish
  -k, --top-k N          scores of the N best labels only
      --overflow MODE    a text longer than the capacity: window (read all of it in windows, default),
                         truncate (read its beginning) or error
      --explain          which passages spoke for and against the label
      --memory MiB       most linear memory; the largest capacity that fits is planned
      --threads N        upper limit of threads (this version uses one)
      --backend NAME     relaxed or simd128
`

/** @param {unknown} error @returns {string} */
const messageOf = (error) => error instanceof Error ? error.message : String(error)

/** @param {Answer} answer @returns {string} lines for people */
function describe(answer) {
  if ('error' in answer) return ''
  const read = answer.truncated ? `${answer.tokensUsed} of ${answer.tokens} tokens` : `${answer.tokens} tokens`
  const windows = answer.windows > 1 ? ` in ${answer.windows} windows` : ''
  const percent = (/** @type {number} */ score) => `${(100 * score).toFixed(1)}%`
  const others = answer.scores.slice(1).map(({ label, score }) => `${label} ${percent(score)}`).join(', ')
  const label = paint('bold', answer.label, process.stdout)
  const lines = [`${answer.id}: ${label} ${percent(answer.score)}${others && `  (${others})`}  ${read}${windows}`]
  for (const passage of answer.explanation?.passages.slice(0, 10) ?? []) {
    const side = passage.contribution >= 0 ? 'green' : 'red'
    const amount = `${passage.contribution >= 0 ? '+' : '-'}${Math.abs(passage.contribution).toFixed(3)}`
    const text = passage.text.replace(/\s+/g, ' ').trim()
    lines.push(`  ${paint(side, amount, process.stdout)}  ${text}`)
  }
  return `${lines.join('\n')}\n`
}

/**
 * @param {any} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function classify(values, positionals) {
  if (values.json && values.jsonl) throw new UsageError('--json and --jsonl exclude each other')
  const topK = wholeNumber(values['top-k'], 'top-k')
  const memory = wholeNumber(values.memory, 'memory', 4096)
  const threads = wholeNumber(values.threads, 'threads')
  if (values.overflow !== undefined && !['window', 'truncate', 'error'].includes(values.overflow)) {
    throw new UsageError(`--overflow is ${JSON.stringify(values.overflow)}; it can be window, truncate or error`)
  }
  if (values.backend !== undefined && !['relaxed', 'simd128'].includes(values.backend)) {
    throw new UsageError(`--backend is ${JSON.stringify(values.backend)}; it can be relaxed or simd128`)
  }
  const files = positionals.length > 0 ? positionals : ['-']
  if (positionals.length === 0 && process.stdin.isTTY) throw new UsageError('no FILE given; - is standard input')
  if (files.filter((file) => file === '-').length > 1) throw new UsageError('standard input can be read only once')

  const bar = new ProgressBar()
  /** @type {Classifier} */
  let classifier
  try {
    classifier = await load(modelPath(values.model ?? DEFAULT_MODEL), {
      memoryBudget: memory === undefined ? undefined : memory * 2 ** 20, threads, backend: values.backend
    })
  } catch (error) {
    if (!(error instanceof LinformerError)) throw error
    complain(error.message)
    return 1
  }

  let status = 0
  /** @type {Answer[]} */
  const answers = []
  for await (const { id, input, error } of values.jsonl ? fromLines(files) : fromFiles(files)) {
    /** @type {Answer} */
    let answer
    try {
      if (input === undefined) throw new Error(error)
      const result = await classifier.classify(input, {
        topK, overflow: values.overflow, explain: values.explain,
        onProgress: ({ phase, done, total }) => bar.show(`${id} (${phase})`, done / (total || 1))
      })
      answer = { id, ...result }
      if (result.truncated && !values.json && !values.jsonl) {
        bar.clear()
        complain(`${id}: only the first ${result.tokensUsed} of ${result.tokens} tokens were read`)
      }
    } catch (error) {
      status = 1
      const code = error instanceof LinformerError ? { code: error.code } : {}
      answer = { id, error: messageOf(error), ...code }
      bar.clear()
      complain(`${id ?? 'a line'}: ${messageOf(error)}`)
    }
    bar.clear()
    if (values.jsonl) await write(`${JSON.stringify(answer)}\n`)
    else if (values.json) answers.push(answer)
    else await write(describe(answer))
  }
  if (values.json) await write(`${JSON.stringify(positionals.length > 1 ? answers : answers[0], null, 2)}\n`)
  classifier.dispose()
  return status
}
