/** Lines of a PDF's page as paragraphs. */

/** @typedef {import('./pdf.js').Item} Item */

/** Scripts that are written without spaces: a line goes on where the next begins. */
const WITHOUT_SPACES = /([\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef])\n(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef])/gu

/**
 * Lines are joined, and a word that was divided between two is made whole.
 *
 * @param {Item[]} items of a page, in reading order
 * @returns {string}
 */
export function paragraphs(items) {
  const parts = []
  let last = { y: NaN, height: 0 }
  let isLineEnd = false
  for (const { str = '', hasEOL = false, transform = [], height = 0 } of items) {
    const y = transform[5] ?? NaN
    if (str !== '') {
      // Between parts of a page that are drawn on their own, such as its header and its text, pdf.js does not say that a line ends.
      const isLevel = transform[1] === 0 && transform[2] === 0
      if (!isLineEnd && isLevel && Math.abs(y - last.y) > Math.max(height, last.height, 1)) {
        parts.push('\n')
        isLineEnd = true
      }
      // A gap of more than 1.6 lines, up or down, sets paragraphs apart.
      if (isLineEnd && Math.abs(y - last.y) > 1.6 * Math.max(height, last.height, 1)) parts.push('\n')
      last = { y, height: height || last.height }
      parts.push(str)
    }
    if (hasEOL) parts.push('\n')
    isLineEnd = hasEOL || (isLineEnd && str === '')
  }
  return parts.join('')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\u00ad\n/g, '')
    .replace(/(\p{L})[-\u2010]\n{1,2}(?=\p{Ll})/gu, '$1') // an empty line too: where a column ends
    .replace(WITHOUT_SPACES, '$1')
    .replace(/([^\n])\n(?=[^\n])/g, '$1 ')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/\u00ad/g, '')
    .trim()
}
