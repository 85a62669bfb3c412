/**
 * What a file is: by its content first, then by the type that came with it, then by its name.
 */
import { encodingOfMark } from './encoding.js'
import { unreadable } from './errors.js'
import { tableIn } from './tables.js'

/**
 * What is read; `zip` and `gzip` are looked into.
 *
 * @typedef {'text' | 'markdown' | 'html' | 'xhtml' | 'pdf' | 'rtf' | 'eml' | 'zip' | 'gzip'} Format
 * @typedef {{ format: Format, declared?: string }} Found with the encoding that the type declares
 */

/** Beginning of a file that is looked at. */
const SAMPLE = 16384
/** `%PDF-` may come after bytes of something else. */
const PDF_WITHIN = 1024

/** What has its own first bytes. A format in capitals is not read; the text goes on from "it is". @type {[RegExp, Format | { name: string, hint?: string }][]} */
const FIRST_BYTES = [
  [/^PK(\x03\x04|\x05\x06|\x07\x08)/, 'zip'],
  [/^\x1f\x8b/, 'gzip'],
  [/^\s*\{\\rtf/, 'rtf'],
  [/^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1/, { name: 'an Office file of before 2007 (.doc, .xls, .ppt or .msg) or one that is locked with a password', hint: 'save it as .docx or PDF, without a password' }],
  [/^%!PS/, { name: 'PostScript', hint: 'save it as PDF' }],
  [/^(\x89PNG|GIF8[79]a|\xff\xd8\xff|II\*\0|MM\0\*|BM....\0\0\0\0|RIFF....WEBP)/s, { name: 'a picture', hint: 'run text recognition (OCR) on it first' }],
  [/^....ftyp/s, { name: 'a film, sound or picture' }],
  [/^(ID3[\x02-\x04]|OggS\0|fLaC\0|RIFF....(WAVE|AVI )|\x1aE\xdf\xa3|\xff[\xfb\xf3\xf2])/s, { name: 'a film or sound' }],
  [/^(7z\xbc\xaf|Rar!\x1a|BZh[1-9]1AY|\xfd7zXZ\0|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18)/, { name: 'an archive (7z, rar, bzip2, xz or zstd)', hint: 'unpack it first' }],
  [/^[^]{257}ustar/, { name: 'an archive (tar)', hint: 'unpack it first' }],
  [/^(\x7fELF|MZ[^]{0,60}\0|\0asm|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe)/, { name: 'a program' }],
  [/^SQLite format 3\0/, { name: 'a database (SQLite)' }],
  [/^PAR1[\0-\x15]/, { name: 'a table (Parquet)' }],
  [/^AT&TFORM/, { name: 'DjVu', hint: 'save it as PDF or text' }],
  [/^[^]{60}BOOKMOBI/, { name: 'a Kindle book', hint: 'save it as EPUB' }],
  [/^\xffWPC/, { name: 'WordPerfect', hint: 'save it as .docx or PDF' }],
  [/^(wOF[F2]|OTTO|\0\x01\0\0\0)/, { name: 'a font' }],
  [/^[^]{5}\0\0\0\{"/, { name: 'a model file (.safetensors)' }]
]

/** Types and names, of what is read and of what has a name of its own. @type {[string, RegExp, RegExp][]} */
const NAMES = [
  ['markdown', /^text\/(x-)?markdown$/, /\.(md|markdown|mdown|mkd)$/],
  ['xhtml', /^application\/xhtml\+xml$/, /\.(xhtml|xht)$/],
  ['html', /^text\/html$/, /\.(html?|shtml)$/],
  ['xml', /^(application|text)\/xml$/, /\.xml$/],
  ['eml', /^(message\/rfc822|multipart\/related|application\/mbox)$/, /\.(eml|mht|mhtml|mbox)$/],
  ['rtf', /^(application|text)\/rtf$/, /\.rtf$/],
  ['pdf', /^application\/pdf$/, /\.pdf$/],
  ['docx', /^application\/vnd\.openxmlformats-officedocument\.wordprocessingml\.document$/, /\.(docx|docm|dotx)$/],
  ['odt', /^application\/vnd\.oasis\.opendocument\.text$/, /\.(odt|ott)$/],
  ['epub', /^application\/epub\+zip$/, /\.epub$/],
  ['gzip', /^application\/(x-)?gzip$/, /\.gz$/],
  ['csv', /^text\/csv$/, /\.csv$/],
  ['tsv', /^text\/tab-separated-values$/, /\.(tsv|tab)$/],
  ['json', /^application\/(ld\+)?json$/, /\.(json|ipynb|geojson)$/],
  ['jsonl', /^application\/(x-ndjson|jsonl)$/, /\.(jsonl|ndjson)$/],
  ['text', /^text\/plain$/, /\.(txt|text|log)$/]
]

/** What the user may say a document is, instead of having its content and name looked at. */
export const TYPES = ['text', 'markdown', 'html', 'xhtml', 'pdf', 'docx', 'odt', 'epub', 'rtf', 'eml', 'mhtml', 'gzip']

/** How a table is called. @type {Record<string, string>} */
const TABLES = { csv: 'CSV', tsv: 'TSV', json: 'JSON', jsonl: 'JSON Lines' }

/** Elements with which a page may begin that leaves out the ones before. */
const BEGINNING = /^<(a|article|b|blockquote|br|center|div|font|form|h[1-6]|i|iframe|img|link|main|ol|p|pre|script|section|span|strong|style|table|ul)[\s/>]/i

/**
 * @param {Uint8Array} bytes
 * @param {{ name?: string, type?: string }} about
 * @returns {Found}
 * @throws {LinformerError} DOCUMENT for a format that is not read
 */
export function formatOf(bytes, { name = '', type = '' }) {
  const [media, ...parameters] = type.toLowerCase().split(';').map((part) => part.trim())
  const said = TYPES.includes(media) ? media : undefined
  const declared = parameters.map((parameter) => /^charset="?([^"]+)"?$/.exec(parameter)?.[1]).find((charset) => charset !== undefined)
  const byBytes = formatOfBytes(bytes)
  if (byBytes !== undefined && !(byBytes === 'rtf' && said !== undefined)) return { format: byBytes, declared }
  if (said !== undefined) return { format: readerOf(said), declared }

  const named = (/** @type {0 | 1} */ by, /** @type {string} */ text) => NAMES.find(([, ...patterns]) => patterns[by].test(text))?.[0]
  const byType = named(0, media)
  // A server or system that knows no better says text/plain.
  const expected = byType !== undefined && byType !== 'text' ? byType : named(1, name.toLowerCase()) ?? byType
  const sample = sampleOf(bytes)
  const byMarkup = formatOfMarkup(sample, expected)
  if (byMarkup !== undefined) return { format: byMarkup, declared }
  const table = expected !== undefined && TABLES[expected] !== undefined ? expected : tableIn(sample, bytes.length > SAMPLE, expected === undefined)
  if (table !== undefined) throw unreadable('table', table === 'json' ? 'it is JSON: data, not a document' : `it is a table (${TABLES[table]}): rows, not one document`, { format: table })
  if (expected !== undefined && ['pdf', 'docx', 'odt', 'epub', 'gzip'].includes(expected)) {
    throw unreadable('damaged', `its name or type says ${expected === 'pdf' ? 'PDF' : `.${expected}`}, but its content does not`, { format: expected })
  }
  return { format: expected === undefined || expected === 'rtf' || expected === 'xml' ? 'text' : readerOf(expected), declared }
}

/** Whether a type speaks of the gzip, and not of what is in it. @param {string} type */
export const isGzip = (type) => /^(gzip|application\/(x-)?gzip)\b/i.test(type.trim())

/** @param {string} format @returns {Format} the reader that takes it */
const readerOf = (format) => /** @type {Format} */ (({ docx: 'zip', odt: 'zip', epub: 'zip', mhtml: 'eml' })[format] ?? format)

/** @param {Uint8Array} bytes @returns {Format | undefined} */
function formatOfBytes(bytes) {
  const start = latin1(bytes.subarray(0, PDF_WITHIN))
  if (/^%PDF-/.test(start) || /[\r\n\0]%PDF-\d\.\d\s*[\r\n]/.test(start)) return 'pdf'
  for (const [pattern, format] of FIRST_BYTES) {
    if (!pattern.test(start)) continue
    if (typeof format === 'string') return format
    throw unreadable('format', `it is ${format.name}, which is not read${format.hint === undefined ? '' : `: ${format.hint}`}`)
  }
  return undefined
}

/**
 * Markup that says itself what it is.
 *
 * @param {string} sample
 * @param {string | undefined} expected by type or name
 * @returns {Format | undefined}
 */
function formatOfMarkup(sample, expected) {
  const { isXml, rest } = afterProlog(sample)
  if (isXml || (expected === 'xml' && rest.startsWith('<'))) {
    const root = /^<([^\s/>]+)/.exec(rest)?.[1] ?? ''
    if (/^(\w+:)?html$/i.test(root)) return 'xhtml'
    // A part of a page, or one whose first tags are missing.
    if (root !== '' && (expected === 'html' || expected === 'xhtml')) return 'html'
    throw unreadable('format', root === 'svg' ? 'it is a picture (SVG), which is not read' : `it is XML (${root === '' ? 'without an element' : `<${root}>`}), which is not read`)
  }
  if (/^<(!doctype\s+html|html|head|body|title|meta)\b/i.test(rest)) return expected === 'xhtml' ? 'xhtml' : 'html'
  if (/^<svg\b/i.test(rest) && expected !== 'html' && expected !== 'markdown') throw unreadable('format', 'it is a picture (SVG), which is not read')
  if (expected !== 'markdown' && BEGINNING.test(rest)) return expected === 'xhtml' ? 'xhtml' : 'html'
  return isMail(sample) ? 'eml' : undefined
}

/** What comes after comments, and the declarations of XML. @param {string} sample */
function afterProlog(sample) {
  let rest = sample.trimStart()
  const isXml = /^<\?xml[\s?]/i.test(rest)
  for (;;) {
    const end = rest.startsWith('<!--') ? '-->' : rest.startsWith('<?') ? '?>' : isXml && /^<!doctype/i.test(rest) ? '>' : undefined
    if (end === undefined) return { isXml, rest }
    const at = rest.indexOf(end, 2)
    rest = at < 0 ? '' : rest.slice(at + end.length).trimStart()
  }
}

/** Whether it begins with the header fields of a message: those that programs write, or nearly all that people know. @param {string} sample */
function isMail(sample) {
  const header = sample.replace(/^\s*(From .*\r?\n)?/, '').split(/\r?\n\r?\n/, 1)[0].replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)
  if (header.length < 2 || !header.every((line) => /^[!-9;-~]+:/.test(line))) return false
  const names = new Set(header.map((line) => line.slice(0, line.indexOf(':')).toLowerCase()))
  const has = (/** @type {string[]} */ ...wanted) => wanted.filter((name) => names.has(name)).length
  const known = has('from', 'to', 'subject', 'date', 'content-type')
  return known >= 4 || (known > 0 && has('message-id', 'received', 'mime-version', 'return-path') > 0)
}

/** @param {Uint8Array} bytes */
const latin1 = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

/** The beginning as text, for looking at. @param {Uint8Array} bytes */
function sampleOf(bytes) {
  const mark = encodingOfMark(bytes)
  const zeros = bytes.subarray(0, 64).indexOf(0)
  const encoding = mark !== undefined && mark !== 'utf-32' ? mark : zeros < 0 ? 'utf-8' : zeros % 2 === 0 ? 'utf-16be' : 'utf-16le'
  return new TextDecoder(encoding).decode(bytes.subarray(0, SAMPLE))
}
