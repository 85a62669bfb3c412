/**
 * The text of a PDF, by Mozilla's pdf.js, if the user has installed it: `npm install pdfjs-dist`.
 */

/** @returns {Promise<any>} */
async function loadPdfJs() {
  try {
    return await import('pdfjs-dist/legacy/build/pdf.mjs')
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    const message = missing
      ? 'it is a PDF, and reading one needs the package pdfjs-dist: npm install pdfjs-dist'
      : `it is a PDF, and pdfjs-dist could not be loaded: ${error instanceof Error ? error.message : error}`
    throw new Error(message, { cause: error })
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<string>} its pages, with an empty line between them
 * @throws {Error} without pdfjs-dist, and if the file is locked, damaged, or has only pictures
 */
export async function pdfText(bytes) {
  const { getDocument, VerbosityLevel } = await loadPdfJs()
  const task = getDocument({
    data: new Uint8Array(bytes), isEvalSupported: false, disableFontFace: true, useSystemFonts: false, verbosity: VerbosityLevel.ERRORS
  })
  try {
    const pdf = await task.promise
    const pages = []
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number)
      const { items } = await page.getTextContent()
      pages.push(items.map((/** @type {any} */ { str = '', hasEOL = false }) => hasEOL ? `${str}\n` : str).join(''))
      page.cleanup()
    }
    const text = pages.join('\n\n').replace(/[^\S\n]+\n/g, '\n').trim()
    if (text === '') throw new Error('the PDF has no text in it, only pictures of pages')
    return text
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error)
    if (name === 'PasswordException') throw new Error('the PDF is locked with a password', { cause: error })
    if (name === 'InvalidPDFException') throw new Error('it is not a PDF that can be read', { cause: error })
    throw new Error(message, { cause: error })
  } finally {
    await task.destroy()
  }
}
