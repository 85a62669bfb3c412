/**
 * linformer classify
 */
import { existsSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { LinformerError } from 'linformer-wasm'
import { TYPES } from 'linformer-wasm/documents'
import { csvLine, neutral } from '../csv.js'
import { fromFiles } from '../documents.js'
import { fromLines } from '../lines.js'
import { DEFAULT_MODEL, isRemote, modelMessage, openModel } from '../models.js'
import { isPattern } from '../patterns.js'
import { complain, paint, percent, plain, ProgressBar, quoted, UsageError, wholeNumber, write } from '../terminal.js'
import { inOrder, Workers } from '../workers.js'

/**
 * @typedef {import('linformer-wasm').Result} Result
 * @typedef {import('linformer-wasm').Classifier} Classifier
 * @typedef {{ id: unknown, error: string } | { id: unknown } & Result} Answer
 */

export const classifyOptions = /** @type {const} */ ({
  model: { type: 'string', short: 'm' },
  trunk: { type: 'string' },
  json: { type: 'boolean' },
  jsonl: { type: 'boolean' },
  text: { type: 'string' },
  csv: { type: 'boolean' },
  'no-formulas': { type: 'boolean' },
  type: { type: 'string' },
  encoding: { type: 'string' },
  'top-k': { type: 'string', short: 'k' },
  overflow: { type: 'string' },
  explain: { type: 'string', alone: 'attribution' },
  memory: { type: 'string' },
  'max-tokens': { type: 'string' },
  threads: { type: 'string' },
  backend: { type: 'string' },
  precision: { type: 'string' },
  cache: { type: 'boolean' },
  integrity: { type: 'string' }
})

export const classifyHelp = `Usage: linformer classify [options] [FILE ... | -]

Labels each FILE: text, Markdown, HTML, PDF, Word (.docx), OpenDocument (.odt), EPUB, RTF, mail (.eml) and saved pages
(.mhtml), also in gzip. What is in a file decides what it is, then its name. A folder stands for the documents below it,
and a pattern such as 'reports/**/*.{txt,pdf}' for the files that match. '-', or no FILE, is standard input.

  -m, --model NAME|FILE|URL  a shipped model, a .safetensors file, or hf:OWNER/NAME[@REVISION][/PATH]
                         (default: ${DEFAULT_MODEL})
      --trunk NAME|FILE      of a head file: the model it was taught on (default: the shipped one that it names)
      --json             one JSON value: an object for one document, an array for several
      --jsonl            read {"id", "text"} lines, or the rows of a .csv or .tsv file with these columns; write one line of
                         JSON for each, in order, as they finish; a folder stands for its .jsonl files
      --text NAME        with --jsonl: the column, or the member of a line, with the text (default: text)
      --csv              write a table: id (or file), label, score, tokens, typicality, doubt, error; also
                         with --jsonl
      --no-formulas      with --csv: an apostrophe before cells that a spreadsheet would take for formulas (= + - @)
      --type TYPE        what the documents are, whatever their content and names say: ${TYPES.join(', ')}
      --encoding NAME    of all text without a byte order mark, in place of UTF-8: windows-1252, shift_jis, ...
  -k, --top-k N          scores of the N best labels only
      --overflow MODE    a text longer than the capacity: window (read all of it in windows, default),
                         truncate (read its beginning) or error
      --explain[=removal]  which passages spoke for and against the label; with =removal also what the label would be without
                         each of the 16 that contribute most, which takes a reading each
      --memory MiB       most linear memory; the largest capacity that fits is planned
      --max-tokens N     read at most N tokens at once, where the model could read more
      --threads N        upper limit of threads (default: 1): one document is read by all of them; several are dealt out, each to
                         a thread of its own with a classifier of its own, which is faster (not with --memory, which is of one)
      --precision NAME   float32 or int8 (default: as the model file has its weights)
      --backend NAME     relaxed or simd128
      --cache            keep a copy of a model that comes by HTTP, in $XDG_CACHE_HOME/linformer-wasm
      --integrity HASH   sha256-... of the model file; another one is refused
`

/** Skipped files of a folder that are named. */
const SHOWN_FILES = 5
/** Passages that --explain tells a person. */
const SHOWN_PASSAGES = 10

/** @param {unknown} error @returns {string} */
const messageOf = (error) => error instanceof Error ? error.message : String(error)

/** Whether the names can stand for more than one document. @param {string[]} names */
const isSeveral = (names) => names.length > 1 || names.some((name) => !existsSync(name) ? isPattern(name) : statSync(name).isDirectory())

/** @param {string} name */
function isEncoding(name) {
  try {
    return new TextDecoder(name) !== undefined
  } catch {
    return false
  }
}

/** An id for people and tables; undefined if there is none. @param {unknown} id @param {string | undefined} rawId as it was written */
const nameOf = (id, rawId) => typeof id === 'string' ? id : id === null ? undefined : rawId ?? JSON.stringify(id)

/** An answer as JSON, with its id as it was written. @param {Answer} answer @param {string | undefined} rawId */
function jsonLine(answer, rawId) {
  const { id, ...rest } = answer
  const members = JSON.stringify(rest).slice(1)
  return `{"id":${rawId ?? JSON.stringify(id)}${members === '}' ? '' : ','}${members}`
}

/** @param {Answer} answer @param {string | undefined} rawId */
function csvRow(answer, rawId) {
  const id = nameOf(answer.id, rawId) ?? ''
  if ('error' in answer) return [id, '', '', '', '', '', answer.error]
  const { found, score, tokens } = answer
  const label = found === undefined ? answer.label : found.map((each) => each.label).join('; ')
  return [id, label, score, tokens, answer.typicality ?? '', answer.doubt ?? '', '']
}

/** Characters of a piece of evidence that are told a person. */
const SHOWN_EVIDENCE = 300

/**
 * Labels of which several may hold: those that are found, with --explain each with the place that speaks for it most.
 *
 * @param {NonNullable<Result['found']>} found
 * @param {string} text of the document
 * @param {boolean} explain
 * @returns {string[]} lines
 */
function describeFound(found, text, explain) {
  return found.map(({ label, score, input, start, end }) => {
    const line = `  ${(100 * score).toFixed(1).padStart(5)}%  ${paint('bold', plain(label), process.stdout)}`
    if (!explain || input !== 'text') return line
    const evidence = text.slice(start, end).replace(/\s+/g, ' ').trim()
    const shown = evidence.length > SHOWN_EVIDENCE ? `${evidence.slice(0, SHOWN_EVIDENCE)}…` : evidence
    return `${line}, characters ${start} to ${end}\n          ${plain(shown)}`
  })
}

const DOUBTS = {
  unlike: 'unlike anything the model was trained on',
  'unknown-script': 'in a script that the model does not know',
  repetitive: 'the same few words over and over',
  unusual: 'unusual for this model'
}

/** @param {Answer} answer @param {string} text of the document @param {boolean} explain @returns {string} lines for people */
function describe(answer, text, explain) {
  if ('error' in answer) return ''
  const tokens = `${answer.tokens} token${answer.tokens === 1 ? '' : 's'}`
  const read = answer.truncated ? `${answer.tokensUsed} of ${tokens}` : tokens
  const windows = answer.windows > 1 ? ` in ${answer.windows} windows` : ''
  const warning = answer.doubt === undefined ? '' : `  ${paint('yellow', DOUBTS[answer.doubt], process.stdout)}`
  const { found } = answer
  if (found !== undefined) {
    const heading = `${plain(String(answer.id))}: ${found.length} label${found.length === 1 ? '' : 's'} found  ${read}${windows}${warning}`
    return `${[heading, ...describeFound(found, text, explain)].join('\n')}\n`
  }
  const others = answer.scores.slice(1).map(({ label, score }) => `${quoted(label)} ${percent(score)}`).join(', ')
  const label = paint('bold', quoted(answer.label), process.stdout)
  const lines = [`${plain(String(answer.id))}: ${label} ${percent(answer.score)}${others && `  (${others})`}  ${read}${windows}${warning}`]
  if (answer.explanation) lines.push(...describePassages(answer.explanation.passages, answer.label))
  return `${lines.join('\n')}\n`
}

/**
 * The strongest passages: what speaks for the label in green, what speaks against it in red, bold if half as strong as
 * the first.
 *
 * @param {import('linformer-wasm').Passage[]} passages
 * @param {string} winner the label of the whole document
 * @returns {string[]}
 */
function describePassages(passages, winner) {
  const strongest = Math.abs(passages[0]?.contribution ?? 0)
  const shown = passages.slice(0, SHOWN_PASSAGES)
  const lines = shown.flatMap(({ contribution, text, removal }) => {
    const amount = `${contribution >= 0 ? '+' : '-'}${Math.abs(contribution).toFixed(3)}`
    const colour = contribution >= 0 ? /** @type {const} */ ('green') : 'red'
    /** @type {Parameters<typeof paint>[0]} */
    const style = Math.abs(contribution) >= strongest / 2 ? ['bold', colour] : colour
    const line = `  ${paint(style, amount, process.stdout)}  ${paint(style, plain(text.replace(/\s+/g, ' ').trim()), process.stdout)}`
    if (removal === undefined) return [line]
    const other = removal.label === winner ? '' : `, so the label is ${quoted(removal.label)}`
    return [line, `          without it: ${quoted(winner)} ${percent(removal.score)}${other}`]
  })
  const rest = passages.length - shown.length
  if (rest > 0) lines.push(paint('dim', `  and ${rest} weaker passage${rest > 1 ? 's' : ''}`, process.stdout))
  return lines
}

/**
 * @param {import('./index.js').Values<typeof classifyOptions>} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function classify(values, positionals) {
  if (values.json && (values.jsonl || values.csv)) throw new UsageError(`--json and --${values.jsonl ? 'jsonl' : 'csv'} exclude each other`)
  if (values.type !== undefined && !TYPES.includes(values.type)) {
    throw new UsageError(`--type is ${JSON.stringify(values.type)}; it can be ${TYPES.join(', ')}`)
  }
  if (values.encoding !== undefined && !isEncoding(values.encoding)) {
    throw new UsageError(`--encoding is ${JSON.stringify(values.encoding)}; it can be utf-8, utf-16le, windows-1252 or another of the Encoding Standard`)
  }
  const { explain } = values
  if (explain !== undefined && explain !== 'attribution' && explain !== 'removal') {
    throw new UsageError(`--explain is ${JSON.stringify(explain)}; it can be --explain alone or --explain=removal`)
  }
  if (values.text !== undefined && !values.jsonl) throw new UsageError('--text goes with --jsonl')
  if (values['no-formulas'] && !values.csv) throw new UsageError('--no-formulas goes with --csv')
  const topK = wholeNumber(values['top-k'], 'top-k')
  const memory = wholeNumber(values.memory, 'memory', 4096)
  const maxTokens = wholeNumber(values['max-tokens'], 'max-tokens')
  const threads = wholeNumber(values.threads, 'threads')
  if (values.overflow !== undefined && !['window', 'truncate', 'error'].includes(values.overflow)) {
    throw new UsageError(`--overflow is ${JSON.stringify(values.overflow)}; it can be window, truncate or error`)
  }
  if (values.backend !== undefined && !['relaxed', 'simd128'].includes(values.backend)) {
    throw new UsageError(`--backend is ${JSON.stringify(values.backend)}; it can be relaxed or simd128`)
  }
  if (values.precision !== undefined && !['float32', 'int8'].includes(values.precision)) {
    throw new UsageError(`--precision is ${JSON.stringify(values.precision)}; it can be float32 or int8`)
  }
  const files = positionals.length > 0 ? positionals : ['-']
  if (positionals.length === 0 && process.stdin.isTTY) throw new UsageError('no FILE given; - is standard input')
  if (files.filter((file) => file === '-').length > 1) throw new UsageError('standard input can be read only once')

  const bar = new ProgressBar()
  const name = values.model ?? DEFAULT_MODEL
  const isDealt = (threads ?? 1) > 1 && memory === undefined && (values.jsonl || isSeveral(files)) && !isRemote(name)
  /** @param {import('linformer-wasm').LoadOptions['onProgress']} [onProgress] */
  const open = (onProgress) => {
    return openModel(name, {
      memoryBudget: memory === undefined ? undefined : memory * 2 ** 20, maxTokens, threads: isDealt ? 1 : threads,
      backend: /** @type {import('linformer-wasm').LoadOptions['backend']} */ (values.backend),
      precision: /** @type {import('linformer-wasm').LoadOptions['precision']} */ (values.precision),
      cache: values.cache, integrity: values.integrity, onProgress
    }, { trunk: values.trunk, inWorker: isDealt })
  }
  /** @type {Workers} */
  let workers
  try {
    const first = await open(({ phase, done, total }) => bar.show(`${name} (${phase})`, done / (total || 1)))
    workers = new Workers(first, isDealt ? Math.min(threads ?? 1, availableParallelism()) : 1, () => open())
  } catch (error) {
    if (!(error instanceof LinformerError)) throw error
    complain(modelMessage(error))
    return 1
  }

  let status = 0
  /** @type {Answer[]} */
  const answers = []
  const passOver = (/** @type {string} */ folder, /** @type {string[]} */ others) => {
    const shown = others.slice(0, SHOWN_FILES).map((file) => path.relative(folder, file)).join(', ')
    const more = others.length > SHOWN_FILES ? ` and ${others.length - SHOWN_FILES} more` : ''
    bar.clear()
    const files = others.length === 1 ? '1 file, whose name does' : `${others.length} files, whose names do`
    complain(`${folder}: skipped ${files} not look like a document's: ${shown}${more}`)
  }
  const reading = { type: values.type, encoding: values.encoding, passOver }
  if (values.csv) await write(csvLine(['id', 'label', 'score', 'tokens', 'typicality', 'doubt', 'error']))
  /** @param {import('../documents.js').Document} document @param {() => boolean} isNext */
  const answerTo = async ({ id, rawId, where, input, notes = [], error }, isNext) => {
    const own = nameOf(id, rawId)
    const shown = where === undefined ? own : own === undefined ? where : `${where} (id ${own})`
    try {
      if (input === undefined) throw error
      const result = await workers.with((classifier) => classifier.classify(input, {
        topK, overflow: /** @type {import('linformer-wasm').ClassifyOptions['overflow']} */ (values.overflow), explain,
        // A worker sends a message for each.
        onProgress: !process.stderr.isTTY ? undefined : ({ phase, done, total }) => {
          if (isNext()) bar.show(`${shown} (${phase})`, done / (total || 1))
        }
      }))
      /** @type {Answer} */
      const answer = { id, ...result, ...(notes.length > 0 ? { notes } : {}) }
      const cut = result.truncated && !values.json && (values.csv || !values.jsonl) ? [`only the first ${result.tokensUsed} of ${result.tokens} tokens were read`] : []
      return { answer, shown, rawId, input, remarks: [...notes, ...cut] }
    } catch (error) {
      const code = error instanceof LinformerError ? { code: error.code } : {}
      /** @type {Answer} */
      const answer = { id, error: id === null ? `${where}: ${messageOf(error)}` : messageOf(error), ...code }
      return { answer, shown, rawId, input, remarks: [messageOf(error)] }
    }
  }
  const documents = values.jsonl ? fromLines(files, { encoding: values.encoding, text: values.text }) : fromFiles(files, reading)
  for await (const { answer, shown, rawId, input, remarks } of inOrder(documents, workers.most, answerTo)) {
    if ('error' in answer) status = 1
    bar.clear()
    for (const remark of remarks) complain(`${shown}: ${remark}`)
    if (values.csv) {
      const cells = csvRow(answer, rawId)
      await write(csvLine(values['no-formulas'] ? cells.map(neutral) : cells))
    } else if (values.jsonl) await write(`${jsonLine(answer, rawId)}\n`)
    else if (values.json) answers.push(answer)
    else await write(describe(answer, typeof input === 'string' ? input : '', explain !== undefined))
  }
  if (values.json) await write(`${JSON.stringify(isSeveral(positionals) || answers.length !== 1 ? answers : answers[0], null, 2)}\n`)
  workers.dispose()
  return status
}
