/** Files as text: plain text, Markdown, HTML and PDF. */
import { bytes } from './format.js'

const LARGEST = 16 * 2 ** 20 // bytes; a text area with more than this stops answering to the keyboard

/** What is not text of the document, in HTML. */
const NOT_TEXT = 'script, style, noscript, template, svg, nav, head'

/** What begins a line of its own, in HTML. */
const BLOCKS = 'address, article, aside, blockquote, br, dd, div, dl, dt, figcaption, figure, footer, h1, h2, h3, h4, h5, h6, ' +
  'header, hr, li, main, ol, p, pre, section, table, tr, ul'

/**
 * The file's text, or an error that says why it cannot be had and what to do.
 *
 * @param {File} file
 * @param {(share: number) => void} onProgress 0 to 1; for files that take a while
 * @returns {Promise<string>}
 */
export async function readFile(file, onProgress) {
  const { name, size, type } = file
  if (size > LARGEST) throw new Error(`${name} has ${bytes(size)}; this page takes files of up to ${bytes(LARGEST)}.`)
  if (size === 0) throw new Error(`${name} is empty. Choose another file.`)
  /** @type {ArrayBuffer} */
  let content
  try {
    content = await file.arrayBuffer()
  } catch (error) {
    throw new Error(`${name} could not be read. Choose the file again.`, { cause: error })
  }
  const starts = new TextDecoder('latin1').decode(content.slice(0, 5))
  if (starts === '%PDF-' || /\.pdf$/i.test(name)) return readPdf(content, name, onProgress)
  const text = decode(content, name)
  return /\.html?$/i.test(name) || type === 'text/html' ? readHtml(text, name) : text
}

/** @param {ArrayBuffer} content @param {string} name @returns {string} */
function decode(content, name) {
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (error) {
    throw new Error(`${name} is not UTF-8 text. Save it as plain text (UTF-8) and open it again.`, { cause: error })
  }
  if (text.includes('\0')) throw new Error(`${name} is not a text file. Choose a .txt, .md, .html or .pdf file.`)
  return text
}

/**
 * What a reader of the page would read. The markup is parsed without being run, and nothing in it is fetched.
 *
 * @param {string} markup
 * @param {string} name
 * @returns {string}
 */
function readHtml(markup, name) {
  const { body } = new DOMParser().parseFromString(markup, 'text/html')
  for (const element of body.querySelectorAll(NOT_TEXT)) element.remove()
  for (const node of textNodes(body)) {
    if (!node.parentElement?.closest('pre')) node.data = node.data.replace(/\s+/g, ' ')
  }
  for (const element of body.querySelectorAll(BLOCKS)) element.before(/^(BR|TR|LI|DT|DD)$/.test(element.tagName) ? '\n' : '\n\n')
  const text = (body.textContent ?? '').replace(/[^\S\n]*\n[^\S\n]*/g, '\n').replace(/\n{3,}/g, '\n\n').trim()
  if (text === '') throw new Error(`${name} has no text in it. Choose another file.`)
  return text
}

/** @param {Node} root @returns {Text[]} */
function textNodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  const found = []
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) found.push(/** @type {Text} */ (node))
  return found
}

/**
 * The text of a PDF, by pdf.js: fetched from this server when the first PDF comes, and run in a worker of its own.
 *
 * @param {ArrayBuffer} content
 * @param {string} name
 * @param {(share: number) => void} onProgress
 * @returns {Promise<string>}
 */
async function readPdf(content, name, onProgress) {
  let pdfjs
  try {
    const address = new URL('./pdfjs/pdf.min.mjs', document.baseURI).href
    pdfjs = await import(address)
    pdfjs.GlobalWorkerOptions.workerSrc = new URL('./pdfjs/pdf.worker.min.mjs', document.baseURI).href
  } catch (error) {
    throw new Error(`${name} is a PDF, and the part of this page that reads PDFs could not be fetched. Check the connection, or paste the text.`, { cause: error })
  }
  const task = pdfjs.getDocument({ data: new Uint8Array(content), isEvalSupported: false, disableFontFace: true, useSystemFonts: false })
  try {
    const pdf = await task.promise
    const pages = []
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number)
      const { items } = await page.getTextContent()
      pages.push(pageText(items))
      page.cleanup()
      onProgress(number / pdf.numPages)
    }
    const text = pages.join('\n\n').trim()
    if (text === '') throw new Error(`${name} has no text in it, only pictures of pages. Run text recognition (OCR) on it first.`)
    return text
  } catch (error) {
    const problem = error instanceof Error ? error : new Error(String(error))
    if (problem.name === 'PasswordException') throw new Error(`${name} is locked with a password. Save it without one and open it again.`, { cause: error })
    if (problem.name === 'InvalidPDFException') throw new Error(`${name} is not a PDF that can be read; it may be damaged. Open the original again, or paste the text.`, { cause: error })
    throw problem
  } finally {
    await task.destroy()
  }
}

/**
 * Lines joined to paragraphs: a line goes on where the next one begins, and a word that was divided is made whole.
 *
 * @param {{ str?: string, hasEOL?: boolean, transform?: number[], height?: number }[]} items of a page, in reading order
 * @returns {string}
 */
export function pageText(items) {
  let text = ''
  let last = { y: NaN, height: 0 }
  for (const { str = '', hasEOL = false, transform = [], height = 0 } of items) {
    const y = transform[5] ?? NaN
    if (str !== '') {
      // A gap of more than 1.6 lines, up or down, sets paragraphs apart.
      if (text.endsWith('\n') && Math.abs(y - last.y) > 1.6 * Math.max(height, last.height, 1)) text += '\n'
      last = { y, height: height || last.height }
    }
    text += str
    if (hasEOL) text += '\n'
  }
  return text
    .replace(/(\p{L})-\n(\p{Ll})/gu, '$1$2')
    .replace(/([^\n])\n(?=[^\n])/g, '$1 ')
    .replace(/[^\S\n]+/g, ' ')
}
