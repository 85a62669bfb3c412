/** Archives that are documents: which they are, and the text of .docx and .odt. */
import { unreadable } from './errors.js'
import { tidy } from './layout.js'
import { counted } from './notes.js'
import { Archive } from './zip.js'
import { parseXml, xmlText } from './xml.js'

/**
 * @typedef {{ text: string, notes: string[], format: string }} Read
 * @typedef {import('./xml.js').Tag} Tag
 */

/** What other archives are called, by a file in them. @type {[RegExp, string][]} */
const OTHERS = [
  [/^xl\/workbook/, 'an Excel workbook (.xlsx), which is not read: save the sheet as CSV'], [/^ppt\/presentation/, 'a PowerPoint presentation (.pptx), which is not read: save it as PDF'],
  [/^Index\/Document\.iwa$/, 'an Apple Pages, Numbers or Keynote document, which is not read: save it as .docx or PDF'], [/^META-INF\/MANIFEST\.MF$/, 'a Java program, which is not read']
]

/** Where Word and OpenDocument keep the pictures of a document. */
const PICTURE = /^(word\/media|Pictures)\/[^/]+$/

/** Where Word keeps what has words of its own, and is not read. @type {[RegExp, string][]} */
const UNREAD = [
  [/^word\/charts\/chart[^/]*\.xml$/, 'chart'], [/^word\/diagrams\/data[^/]*\.xml$/, 'diagram'],
  [/^(word\/)?[^/]+\.(x?html?|mht|mhtml|rtf|txt|docx)$/i, 'embedded document']
]

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<Read>}
 */
export async function readArchive(bytes) {
  const archive = new Archive(bytes)
  const media = new TextDecoder().decode(archive.read('mimetype') ?? new Uint8Array()).trim()
  if (media === 'application/epub+zip' || archive.names.has('META-INF/container.xml')) return (await import('./epub.js')).readEpub(archive)
  if (/^application\/vnd\.oasis\.opendocument\.text/.test(media)) return readOdt(archive)
  if (media.startsWith('application/vnd.oasis.opendocument.')) throw unreadable('format', `it is an OpenDocument file, but not a text (${media.slice(media.lastIndexOf('.') + 1)}), which is not read`)
  const document = mainDocument(archive)
  if (document !== undefined) return readDocx(archive, document)
  for (const [pattern, name] of OTHERS) if ([...archive.names].some((each) => pattern.test(each))) throw unreadable('format', `it is ${name}`)
  throw unreadable('format', 'it is a zip archive, which is not read: unpack it first')
}

/** The part that holds the text of a Word document. @param {Archive} archive */
function mainDocument(archive) {
  const relations = archive.read('_rels/.rels')
  let main = 'word/document.xml'
  if (relations !== undefined) {
    parseXml(xmlText(relations), {
      open({ attributes }) {
        if (attributes.get('Type')?.endsWith('/officeDocument')) main = (attributes.get('Target') ?? main).replace(/^\//, '')
      }
    })
  }
  return main.startsWith('word/') && archive.names.has(main) ? main : undefined
}

/** The namespace in which OpenDocument describes a drawing in words; the field that is called title as well is text. */
const DRAWINGS = /^urn:oasis:names:tc:opendocument:xmlns:svg-compatible:/

/**
 * Parts of a document as text, by what their elements stand for. Namespaces differ between editions; local names do not.
 *
 * @param {Uint8Array} bytes
 * @param {object} rules
 * @param {Set<string>} rules.skipped elements that are no text, with all that is in them
 * @param {Set<string> | undefined} rules.texts the elements that hold text; undefined: any
 * @param {Map<string, string>} rules.before what an element begins with
 * @param {Map<string, string>} rules.after what it ends in
 * @param {{ run: string, properties: string, mark: string }} [rules.hidden] the mark among the properties of a run that is not shown
 */
function partText(bytes, { skipped, texts, before, after, hidden }) {
  /** @type {string[]} */
  const parts = []
  let skip = 0
  let skippedBy = ''
  /** Where the text of each open run begins. @type {{ start: number, isHidden: boolean }[]} */
  const runs = []
  let inText = texts === undefined ? 1 : 0
  parseXml(xmlText(bytes), {
    open({ local, uri, attributes }) {
      const run = runs.at(-1)
      if (run !== undefined && skip === 1 && local === hidden?.mark && skippedBy === hidden.properties) run.isHidden = !/^(0|false|off)$/.test(attributes.get('val') ?? '')
      const isSkipped = skipped.has(local) || DRAWINGS.test(uri)
      if (skip === 0 && isSkipped) skippedBy = local
      if (skip === 0 && local === hidden?.run) runs.push({ start: parts.length, isHidden: false })
      if (skip > 0 || isSkipped) skip++
      else if (texts?.has(local)) inText++
      if (skip === 0) parts.push(before.get(local) ?? '')
    },
    close({ local }) {
      if (skip > 0) {
        if (--skip === 0) skippedBy = ''
      } else {
        const run = local === hidden?.run ? runs.pop() : undefined
        if (run?.isHidden) parts.length = run.start
        if (texts?.has(local)) inText--
        parts.push(after.get(local) ?? '')
      }
    },
    text(text) { if (skip === 0 && inText > 0) parts.push(texts === undefined ? text.replace(/\s+/g, ' ') : text) }
  })
  return parts.join('')
}

/** What is there instead of text, such as scanned pages. @param {Archive} archive @returns {string[]} */
function onlyPictures({ names }) {
  const pictures = [...names].filter((name) => PICTURE.test(name)).length
  return pictures === 0 ? [] : [`it has only pictures (${pictures}): run text recognition (OCR) on them first`]
}

/** @param {Archive} archive @returns {string[]} */
function unread({ names }) {
  const counts = UNREAD.map(([pattern, name]) => ({ name, count: [...names].filter((each) => pattern.test(each)).length }))
  return counts.filter(({ count }) => count > 0).map(({ name, count }) => `${counted(count, name)} ${count === 1 ? 'is' : 'are'} not read`)
}

const WORD = {
  // A Fallback says again what is said beside it.
  skipped: new Set(['del', 'moveFrom', 'Fallback', 'instrText', 'rPr', 'pPr', 'sectPr', 'rt']),
  texts: new Set(['t']),
  before: new Map([['tab', ' '], ['ptab', ' '], ['txbxContent', '\n\n'], ['br', '\n'], ['cr', '\n'], ['noBreakHyphen', '-'], ['tc', ' ']]),
  after: new Map([['p', '\n\n']]),
  hidden: { run: 'r', properties: 'rPr', mark: 'vanish' }
}

/** @param {Archive} archive @param {string} main @returns {Read} */
function readDocx(archive, main) {
  const names = [main, ...['footnotes', 'endnotes'].map((name) => `${main.slice(0, main.lastIndexOf('/'))}/${name}.xml`)]
  const texts = names.map((name) => archive.read(name)).map((part) => part === undefined ? '' : partText(part, WORD))
  const text = tidy(texts.join('\n\n'))
  return { text, notes: [...unread(archive), ...text === '' ? onlyPictures(archive) : []], format: 'docx' }
}

const OPEN_DOCUMENT = {
  // The source of an index is how to make it; what was made of it follows.
  skipped: new Set(['table-of-content-source', 'illustration-index-source', 'table-index-source', 'object-index-source', 'user-index-source', 'alphabetical-index-source',
    'bibliography-source', 'ruby-text', 'annotation', 'tracked-changes', 'note-citation', 'forms', 'automatic-styles', 'font-face-decls', 'scripts', 'variable-decls', 'sequence-decls']),
  texts: undefined,
  before: new Map([['s', ' '], ['tab', ' '], ['line-break', '\n'], ['note', ' ('], ['p', '\n\n'], ['h', '\n\n']]),
  after: new Map([['p', '\n\n'], ['h', '\n\n'], ['note', ') ']])
}

/** @param {Archive} archive @returns {Read} */
function readOdt(archive) {
  const manifest = archive.read('META-INF/manifest.xml')
  if (manifest !== undefined && xmlText(manifest).includes('encryption-data')) throw unreadable('locked', 'the document is locked with a password: save it without one')
  const content = archive.read('content.xml')
  if (content === undefined) throw unreadable('damaged', 'its archive has no content.xml')
  const text = tidy(partText(content, OPEN_DOCUMENT))
  return { text, notes: text === '' ? onlyPictures(archive) : [], format: 'odt' }
}
