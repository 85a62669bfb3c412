/**
 * Reads the text of a PDF, in a worker. In: the file's bytes. Out: { share } on the way, then { text }, or { problem } by
 * name with a { message }.
 *
 * pdf.js itself is here rather than in the page, and its own worker below it: so nothing of it runs beside the page's
 * controls, and what it does to a document's styles has no document.
 */

const VERBOSITY_ERRORS = 0

const post = (/** @type {unknown} */ message) => postMessage(message)

const address = (/** @type {string} */ name) => new URL(`./pdfjs/${name}`, import.meta.url)

/**
 * Lines joined to paragraphs: a line goes on where the next one begins, and a word that was divided is made whole.
 *
 * @param {{ str?: string, hasEOL?: boolean, transform?: number[], height?: number }[]} items of a page, in reading order
 * @returns {string}
 */
function pageText(items) {
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

/** By hand what getTextContent does by iteration over a stream, which WebKit does not have. @param {any} page */
async function itemsOf(page) {
  const reader = page.streamTextContent().getReader()
  const items = []
  for (let part = await reader.read(); !part.done; part = await reader.read()) items.push(...part.value.items)
  return items
}

addEventListener('message', async ({ data }) => {
  let api
  try {
    // Not the import of a module: the file is fetched when it is wanted, and its absence is an answer.
    api = await import(address('pdf.min.mjs').href)
  } catch (error) {
    post({ problem: 'missing', message: String(error) })
    return
  }
  try {
    const port = new Worker(address('pdf.worker.min.mjs'), { type: 'module' })
    port.addEventListener('error', () => post({ problem: 'missing', message: 'its worker could not be started' }))
    const worker = new api.PDFWorker({ port, verbosity: VERBOSITY_ERRORS })
    const options = { data: new Uint8Array(data), worker, disableFontFace: true, verbosity: VERBOSITY_ERRORS }
    const pdf = await api.getDocument(options).promise
    const pages = []
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number)
      pages.push(pageText(await itemsOf(page)))
      page.cleanup()
      post({ share: number / pdf.numPages })
    }
    const text = pages.join('\n\n').trim()
    post(text === '' ? { problem: 'empty' } : { text })
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    post({ problem: name, message })
  }
})
