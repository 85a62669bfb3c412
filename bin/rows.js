/**
 * Rows of CSV and TSV, for examples and tables of documents.
 */
import Papa from 'papaparse'

/**
 * @typedef {object} Row
 * @property {number} line that it starts on, from 1
 * @property {number} share how much of the text has been read with it, 0 to 1
 * @property {string[]} [cells] as many as the header has
 * @property {Error} [error] why there are none
 */

/** Delimiters that are tried; the one that makes rows of equal length is taken. */
const DELIMITERS = [',', ';', '\t']

/** @param {import('papaparse').ParseError} error */
const quoteError = ({ code, message }) => code === 'MissingQuotes' ? 'a quote in it is never closed, so that all that follows belongs to it' : message

/**
 * @param {string} text
 * @returns {{ header: string[], rows: Row[] }} the header's names without white space around them
 */
export function rowsOfCsv(text) {
  /** @type {Row[]} */
  const rows = []
  /** @type {string[] | undefined} */
  let header
  let line = 1
  let at = 0
  const newline = text.includes('\n') ? '\n' : '\r'
  Papa.parse(text, {
    delimitersToGuess: DELIMITERS,
    step: ({ data, errors, meta }) => {
      const cells = /** @type {string[]} */ (/** @type {unknown} */ (data))
      const place = { line, share: meta.cursor / text.length }
      line += text.slice(at, meta.cursor).split(newline).length - 1
      at = meta.cursor
      if (cells.length === 1 && cells[0].trim() === '') return
      if (header === undefined) {
        header = cells.map((cell) => cell.trim())
        return
      }
      const quotes = errors.find(({ type }) => type === 'Quotes')
      if (quotes !== undefined) rows.push({ ...place, error: new Error(quoteError(quotes)) })
      else if (cells.length !== header.length) rows.push({ ...place, error: new Error(`it has ${cells.length} field${cells.length === 1 ? '' : 's'}, the header ${header.length}`) })
      else rows.push({ ...place, cells })
    }
  })
  return { header: header ?? [], rows }
}
