/**
 * The text of an HTML page: what a reader would see, without running or fetching anything.
 */

/** Elements whose content is no text of the document. */
const HIDDEN = /^(script|style|noscript|template|svg|nav|head|title|textarea|iframe|object)$/

/** Elements that begin a paragraph, and those that begin a line. */
const PARAGRAPHS = /^(address|article|aside|blockquote|div|dl|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|main|ol|p|pre|section|table|ul)$/
const LINES = /^(br|dd|dt|li|tr|option)$/

/** Comment, declaration, or tag with its attributes, whose values may hold a `>`. */
const MARKUP = /<!--[\s\S]*?(?:-->|$)|<[!?][^>]*(?:>|$)|<(\/?)([a-zA-Z][^\s/>]*)(?:"[^"]*"|'[^']*'|[^'">])*(?:>|$)/g

/** Named characters that texts have often; the others stay as they are written. */
const NAMED = new Map(Object.entries({
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', shy: '', ensp: ' ', emsp: ' ', thinsp: ' ', ndash: '–', mdash: '—',
  lsquo: '‘', rsquo: '’', sbquo: '‚', ldquo: '“', rdquo: '”', bdquo: '„', lsaquo: '‹', rsaquo: '›', laquo: '«', raquo: '»', hellip: '…',
  bull: '•', middot: '·', copy: '©', reg: '®', trade: '™', deg: '°', plusmn: '±', times: '×', divide: '÷', frac12: '½', sect: '§', para: '¶',
  euro: '€', pound: '£', yen: '¥', cent: '¢', iexcl: '¡', iquest: '¿', szlig: 'ß', AElig: 'Æ', aelig: 'æ', OElig: 'Œ', oelig: 'œ',
  Oslash: 'Ø', oslash: 'ø', Aring: 'Å', aring: 'å', larr: '←', rarr: '→', prime: '′', Prime: '″', minus: '−'
}))

/** Letters with a mark: the letter, and the name of the mark. */
const MARKS = new Map([['grave', '\u0300'], ['acute', '\u0301'], ['circ', '\u0302'], ['tilde', '\u0303'], ['uml', '\u0308'], ['cedil', '\u0327'], ['caron', '\u030c']])

/** @param {string} text with character references @returns {string} */
function decodeReferences(text) {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|([a-z][a-z\d]*));?/gi, (reference, hex, decimal, name) => {
    if (name !== undefined) {
      const mark = MARKS.get(name.slice(1))
      return NAMED.get(name) ?? (mark === undefined ? reference : (name[0] + mark).normalize('NFC'))
    }
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16)
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd'
  })
}

/**
 * @param {string} markup
 * @returns {string} paragraphs, with an empty line between them
 */
export function htmlText(markup) {
  const parts = []
  let at = 0
  /** Name of the hidden element that is open, and how deep in itself. */
  let hidden = ''
  let depth = 0
  const take = (/** @type {string} */ text) => {
    if (hidden === '') parts.push(decodeReferences(text.replace(/\s+/g, ' ')))
  }
  for (const { 0: whole, 1: slash, 2: tag, index } of markup.matchAll(MARKUP)) {
    take(markup.slice(at, index))
    at = index + whole.length
    const name = tag?.toLowerCase()
    if (name === undefined) continue
    if (hidden !== '') {
      if (name === hidden && !whole.endsWith('/>')) depth += slash ? -1 : 1
      // The content of these two is no markup: only their own end counts.
      if (/^(script|style)$/.test(hidden) && name === hidden && !slash) depth--
      if (depth === 0) hidden = ''
    } else if (HIDDEN.test(name) && !slash && !whole.endsWith('/>')) {
      hidden = name
      depth = 1
    } else if (PARAGRAPHS.test(name)) {
      parts.push('\n\n')
    } else if (LINES.test(name) && !slash) {
      parts.push('\n')
    } else if (/^t[dh]$/.test(name)) {
      parts.push(' ')
    }
  }
  take(markup.slice(at))
  return parts.join('').replace(/[^\S\n\u00a0]+/g, ' ').replace(/ ?\n ?/g, '\n').replace(/\n{3,}/g, '\n\n').trim()
}
