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
  // Styles are taken out first: the page's security policy holds for parsed documents too, and would complain of each.
  const plain = markup.replace(/<style\b[\s\S]*?<\/style\s*>/gi, '').replace(/<[^<>]*>/g, (tag) => tag.replace(/\sstyle\s*=/gi, ' data-style='))
  const { body } = new DOMParser().parseFromString(plain, 'text/html')
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
 * The text of a PDF, by pdf.js: fetched from this server when the first PDF comes, and run in a worker.
 *
 * @param {ArrayBuffer} content given away to the worker
 * @param {string} name
 * @param {(share: number) => void} onProgress
 * @returns {Promise<string>}
 */
function readPdf(content, name, onProgress) {
  const worker = new Worker(new URL('./pdf-worker.js', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ words) => reject(new Error(`${name} ${words}`))
    worker.addEventListener('message', ({ data: { share, text, problem, message } }) => {
      if (share !== undefined) onProgress(share)
      else if (text !== undefined) resolve(text)
      else fail(PDF_PROBLEMS[problem] ?? `could not be read: ${message}. Paste the text instead.`)
    })
    worker.addEventListener('error', () => fail(PDF_PROBLEMS.missing))
    worker.postMessage(content, [content])
  }).finally(() => worker.terminate())
}

/** @type {Record<string, string>} */
const PDF_PROBLEMS = {
  missing: 'is a PDF, and the part of this page that reads PDFs could not be fetched. Check the connection, or paste the text.',
  empty: 'has no text in it, only pictures of pages. Run text recognition (OCR) on it first.',
  PasswordException: 'is locked with a password. Save it without one and open it again.',
  InvalidPDFException: 'is not a PDF that can be read; it may be damaged. Open the original again, or paste the text.'
}
