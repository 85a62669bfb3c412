/**
 * The text of RTF. Packages that read it were looked at: one needs Node.js streams and leaves fonts, colours and code pages to
 * its caller; the others are not kept up. What is text in RTF fits here.
 */
import { decodeDos, isDos } from './dos.js'
import { decodeAs } from './encoding.js'
import { tooLarge } from './errors.js'
import { tidy } from './layout.js'
import { badCharacters, ENDS_EARLY } from './notes.js'

const MOST_DEPTH = 10_000

const words = (/** @type {string} */ list) => new Set(list.split(' '))

/** Groups that are no text of the document. */
const SKIPPED = words('fonttbl colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf listtable listoverridetable ' +
  'revtbl rsidtbl generator themedata colorschememapping datastore latentstyles xmlnstbl filetbl fldinst bkmkstart bkmkend nonshppict pntext sp sn sv ' +
  'objdata objclass annotation atnid atnauthor xe tc private userprops docvar template passwordhash')

/** What control words and symbols stand for. @type {Map<string, string>} */
const TEXT = new Map(Object.entries({
  par: '\n\n', sect: '\n\n', page: '\n\n', line: '\n', row: '\n', tab: ' ', cell: ' ', nestcell: ' ', emdash: '—', endash: '–', lquote: '‘', rquote: '’', ldblquote: '“',
  rdblquote: '”', bullet: '•', emspace: ' ', enspace: ' ', qmspace: ' ', '~': ' ', _: '-', '\\': '\\', '{': '{', '}': '}', '\n': '\n\n', '\r': '\n\n'
}))

/** Encodings by Windows' number, and by the number that a font has for its script. @type {Map<number, string>} */
const CODE_PAGES = new Map([[437, 'ibm437'], [850, 'ibm850'], [932, 'shift_jis'], [936, 'gbk'], [949, 'euc-kr'], [950, 'big5'], [866, 'ibm866'], [10000, 'macintosh'], [65001, 'utf-8']])
const CHARSETS = new Map([[77, 10000], [128, 932], [129, 949], [134, 936], [136, 950], [161, 1253], [162, 1254], [163, 1258], [177, 1255], [178, 1256], [186, 1257], [204, 1251], [222, 874], [238, 1250], [254, 437], [255, 850]])

/** @param {number} page */
const encodingOf = (page) => CODE_PAGES.get(page) ?? (page === 874 || (page >= 1250 && page <= 1258) ? `windows-${page}` : 'windows-1252')

/**
 * Programs name a font of Chinese, Japanese or Korean for bullets too, and write them in the code page of the document:
 * where the font's makes no character of them, that one is meant.
 *
 * @param {Uint8Array} bytes
 * @param {string} encoding of the font
 * @param {string} ansi of the document
 */
function textOf(bytes, encoding, ansi) {
  const decoded = (/** @type {string} */ name) => isDos(name) ? decodeDos(bytes, name) : decodeAs(bytes, name, false)
  const text = decoded(encoding)
  const isNone = text.includes('\ufffd') && !/[^\0-\x7f\ufffd]/.test(text)
  return isNone && encoding !== ansi ? decoded(ansi) : text
}

/**
 * @typedef {object} Group
 * @property {boolean} skipped
 * @property {boolean} hidden
 * @property {string} end what the text of the group is closed with
 * @property {number} uc characters that stand in for one of Unicode
 * @property {string | undefined} encoding of its font
 *
 * @param {Uint8Array} bytes
 * @returns {{ text: string, notes: string[] }}
 */
export function readRtf(bytes) {
  // One character a byte: what is outside ASCII is in the encoding of the font.
  const source = Array.from({ length: Math.ceil(bytes.length / 8192) }, (_, i) => String.fromCharCode(...bytes.subarray(i * 8192, (i + 1) * 8192))).join('')
  /** @type {string[]} */
  const parts = []
  /** @type {number[]} */
  let pending = []
  /** @type {Map<number, string>} */
  const fonts = new Map()
  let ansi = 'windows-1252'
  let font = 0
  let inFonts = 0
  let toSkip = 0
  /** Whether nothing of the group has come yet: there \* stands for what older readers skip. */
  let isStart = false
  /** @type {Group} */
  let group = { skipped: false, hidden: false, end: '', uc: 1, encoding: undefined }
  /** @type {Group[]} */
  const groups = []

  const flush = () => {
    if (pending.length > 0) parts.push(textOf(Uint8Array.from(pending), group.encoding ?? ansi, ansi))
    pending = []
  }
  const say = (/** @type {string} */ text) => {
    if (group.skipped || group.hidden) return
    flush()
    parts.push(text)
  }
  const byte = (/** @type {number} */ value) => {
    if (toSkip > 0) toSkip--
    else if (!group.skipped && !group.hidden) pending.push(value)
  }

  const token = /\\([a-z]+)(-?\d{1,10})? ?|\\'([\da-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\/gi
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    const [, word, digits, hex, symbol, brace, plain] = match
    // Cut within: another number or byte than was written.
    if ((word !== undefined && token.lastIndex === source.length) || (symbol === "'" && token.lastIndex + 2 > source.length)) break
    const number = digits === undefined ? undefined : Number(digits)
    const isFirst = isStart
    isStart = brace === '{' || (isStart && /^[\r\n]/.test(match[0]))
    if (brace === '{') {
      flush()
      groups.push(group)
      if (groups.length > MOST_DEPTH) throw tooLarge('its groups are nested deeper than', MOST_DEPTH, MOST_DEPTH, 'levels')
      group = { ...group, end: '' }
      toSkip = 0
    } else if (brace === '}') {
      if (group.end !== '') say(group.end)
      flush()
      toSkip = 0
      group = groups.pop() ?? group
      if (groups.length < inFonts) inFonts = 0
      if (groups.length === 0) break // what follows is not of the document
    } else if (hex !== undefined) {
      byte(parseInt(hex, 16))
    } else if (plain !== undefined) {
      for (let i = 0; i < plain.length; i++) byte(plain.charCodeAt(i))
    } else if (symbol !== undefined) {
      if (symbol === '*') group.skipped ||= isFirst
      else if (toSkip > 0) toSkip--
      else say(TEXT.get(symbol) ?? '')
    } else if (word !== undefined) {
      if (word === 'fonttbl') inFonts = groups.length
      if (SKIPPED.has(word)) group.skipped = true
      else if (word === 'shptxt') group.skipped = false // in a drawing that older readers skip
      else if (word === 'footnote') {
        say(' (')
        group.end = ') '
      } else if (word === 'bin') token.lastIndex += Math.max(0, number ?? 0)
      else if (word === 'u' && number !== undefined) {
        say(String.fromCharCode(number & 0xffff))
        toSkip = group.uc
      } else if (word === 'uc') group.uc = number ?? 1
      else if (word === 'ansicpg') ansi = encodingOf(number ?? 1252)
      else if (word === 'mac') ansi = 'macintosh'
      else if (word === 'pc') ansi = 'ibm437'
      else if (word === 'pca') ansi = 'ibm850'
      else if (word === 'f' && number !== undefined) {
        flush()
        font = number
        if (inFonts === 0) group.encoding = fonts.get(number)
      } else if (word === 'fcharset' && inFonts > 0) {
        const page = CHARSETS.get(number ?? 0)
        if (page !== undefined) fonts.set(font, encodingOf(page))
      } else if (word === 'plain') {
        flush()
        group.hidden = false
        group.encoding = undefined
      } else if (word === 'v' || word === 'deleted') {
        flush()
        group.hidden = number !== 0
      } else if (TEXT.has(word)) say(/** @type {string} */ (TEXT.get(word)))
    }
  }
  flush()
  const text = tidy(parts.join(''))
  return { text, notes: [...groups.length > 0 ? [ENDS_EARLY] : [], ...badCharacters(text.split('\ufffd').length - 1)] }
}
