/**
 * The text of PDFs, by Mozilla's pdf.js, in the build that unpdf makes of it: one file that runs without a worker of its own
 * and without a canvas, in every Node.js from 20 on and in a page's worker.
 */
import { emptyText, tooLarge, unreadable } from './errors.js'
import { counted } from './notes.js'
import { paragraphs } from './pdf-text.js'

/** @typedef {typeof import('pdfjs-dist')} PdfJs whose types unpdf has in a form that the compiler does not find */
/** @typedef {{ str?: string, hasEOL?: boolean, transform?: number[], height?: number }} Item of a page's text */

const MOST_PAGES = 20_000
/** Characters of all pages: a page can use the same content again and again. */
const MOST_CHARACTERS = 2 ** 26
/** `%PDF-` may come after bytes of something else. */
const BEGINS_WITHIN = 1024
const SILENT = 0
/** Flags of what is on a page and not shown: Hidden and NoView. */
const UNSEEN = 2 | 32

/** What pdf.js gives for the characters of a font that does not say which they are; not those of symbol fonts, U+F000 to U+F0FF, such as bullets. */
const UNMAPPED = /[\0-\x08\x0e-\x1f\ue000-\uefff\uf100-\uf8ff\ufffd]/g

/** @type {Promise<import('./zip.js').Archive> | undefined} */
let maps

/** What pdf.js asks for: character maps, by name, of fonts that do not bring theirs. Fonts to draw with are not wanted. */
class CharacterMaps {
  /** @param {{ kind: string, filename: string }} file */
  async fetch({ kind, filename }) {
    maps ??= Promise.all([import('#cmaps'), import('./zip.js')]).then(async ([{ cmapsBytes }, { Archive }]) => new Archive(await cmapsBytes()))
    const map = kind === 'cMapUrl' ? (await maps).read(filename) : undefined
    if (map === undefined) throw new Error(`there is no ${filename}`)
    return map
  }
}

/** What the caller's own function has thrown, which is no fault of the PDF. */
class CallersError {
  /** @param {unknown} own */
  constructor(own) {
    this.own = own
  }
}

/** Where the file itself begins: offsets in it count from there. @param {Uint8Array} bytes */
function withoutJunk(bytes) {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, BEGINS_WITHIN)).indexOf('%PDF-')
  return bytes.slice(Math.max(0, start))
}

/**
 * @param {Uint8Array} bytes
 * @param {{ onProgress?: (share: number) => void }} options
 * @returns {Promise<{ text: string, notes: string[] }>} pages, with an empty line between them
 */
export async function readPdf(bytes, { onProgress }) {
  const { getDocument } = /** @type {PdfJs} */ (/** @type {unknown} */ (await import('unpdf/pdfjs')))
  const task = getDocument({
    data: withoutJunk(bytes), isEvalSupported: false, disableFontFace: true, useSystemFonts: false, stopAtErrors: false, verbosity: SILENT,
    BinaryDataFactory: CharacterMaps, useWorkerFetch: false, cMapPacked: true, cMapUrl: 'cmaps/', standardFontDataUrl: 'fonts/'
  })
  try {
    const pdf = await task.promise
    if (pdf.numPages > MOST_PAGES) throw tooLarge('the PDF has', pdf.numPages, MOST_PAGES, 'pages')
    const pages = []
    const tell = (/** @type {number} */ share) => {
      try {
        onProgress?.(share)
      } catch (error) {
        throw new CallersError(error)
      }
    }
    let without = 0
    let length = 0
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number)
      const text = [paragraphs(await itemsOf(page)), ...writtenOn(await page.getAnnotations())].filter((part) => part !== '').join('\n\n')
      page.cleanup()
      length += text.length
      if (length > MOST_CHARACTERS) throw tooLarge('the PDF has', length, MOST_CHARACTERS, 'characters')
      if (text === '') without++
      else pages.push(text)
      tell(number / pdf.numPages)
    }
    if (pages.length === 0) throw emptyText(`the PDF has no text in it: its pages (${pdf.numPages}) are blank, or pictures that text recognition (OCR) can read`)
    const text = pages.join('\n\n')
    const notes = without === 0 ? [] : [`${without} of ${counted(pdf.numPages, 'page')} ${without === 1 ? 'has' : 'have'} no text: pictures, perhaps scans`]
    const unmapped = text.match(UNMAPPED)?.length ?? 0
    if (unmapped > 0) notes.push(`${counted(unmapped, 'character')} could not be decoded: the font has no map to Unicode, so the text may be wrong elsewhere too`)
    return { text, notes }
  } catch (error) {
    throw inWords(error)
  } finally {
    await task.destroy()
  }
}

/**
 * By hand what getTextContent does by iteration over a stream, which WebKit does not have.
 *
 * @param {import('pdfjs-dist').PDFPageProxy} page
 * @returns {Promise<Item[]>}
 */
async function itemsOf(page) {
  const reader = page.streamTextContent().getReader()
  const items = []
  for (let part = await reader.read(); !part.done; part = await reader.read()) items.push(...part.value.items)
  return items
}

/**
 * What has been filled into the fields of a form, and notes that are written on the page itself. Both are drawn on it, and neither is in
 * its text.
 *
 * @param {Record<string, any>[]} annotations as pdf.js has them
 * @returns {string[]}
 */
function writtenOn(annotations) {
  return annotations.filter(({ annotationFlags }) => (annotationFlags & UNSEEN) === 0).flatMap(({ subtype, fieldType, fieldValue, options = [], contentsObj, password }) => {
    if (subtype === 'FreeText') return [contentsObj?.str ?? '']
    if (subtype !== 'Widget' || password || !['Tx', 'Ch'].includes(fieldType)) return []
    const shown = (/** @type {string} */ value) => options.find((/** @type {{ exportValue: string }} */ { exportValue }) => exportValue === value)?.displayValue ?? value
    return [fieldValue ?? []].flat().filter((value) => typeof value === 'string').map(shown)
  }).map((text) => text.replace(/\r\n?/g, '\n').trim())
}

/** @param {unknown} error @returns {unknown} */
function inWords(error) {
  if (error instanceof CallersError) return error.own
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) }
  if (name === 'LinformerError') return error
  if (name === 'PasswordException') return unreadable('locked', 'the PDF is locked with a password: save it without one', {}, error)
  return unreadable('damaged', `it is not a PDF that can be read${name === 'InvalidPDFException' ? '' : ` (${message})`}`, {}, error)
}
