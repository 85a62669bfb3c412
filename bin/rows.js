/**
 * Rows of CSV and TSV, for examples and tables of documents.
 */
import Papa from 'papaparse'
import { decode } from '../documents/encoding.js'
import { readDocument } from '../documents/index.js'

/**
 * @typedef {object} Row
 * @property {number} line that it starts on, from 1
 * @property {number} share how much of the text has been read with it, 0 to 1
 * @property {string[]} [cells] as many as the header has
 * @property {Error} [error] why there are none
 *
 * @typedef {{ text: string, isWhole: boolean }} TableText where a few characters cannot be decoded, they are U+FFFD: their rows are bad, not the table
 */

/** Delimiters that are tried; the one that makes rows of equal length is taken. */
const DELIMITERS = [',', ';', '\t']

/**
 * Papa's guess is by the average of the fields in a row. In a short table the end of the last line, or a bad row, takes two columns below what
 * it accepts; then the delimiter is the one that divides the header.
 *
 * @param {string} text
 */
function delimiterOf(text) {
  const start = text.slice(/^[\r\n]*/.exec(text)?.[0].length)
  /** @param {string} [delimiter] */
  const header = (delimiter) => Papa.parse(start, { preview: 1, delimitersToGuess: DELIMITERS, delimiter })
  /** @param {string} delimiter */
  const names = (delimiter) => header(delimiter).data[0]?.length ?? 0
  const guessed = header().meta.delimiter
  return names(guessed) > 1 ? guessed : DELIMITERS.reduce((best, each) => names(each) > names(best) ? each : best)
}

/**
 * @param {Uint8Array} bytes of a table, perhaps in gzip
 * @param {string} [encoding]
 * @returns {Promise<TableText>}
 */
export async function tableText(bytes, encoding) {
  try {
    const { text, format } = await readDocument(bytes, { type: 'text', encoding })
    if (format !== 'text') throw new Error(`it is a document (${format}), not a table`)
    return { text, isWhole: true }
  } catch (error) {
    if (/** @type {{ details?: { reason?: string } }} */ (error).details?.reason !== 'encoding') throw error
    const { unpacked } = await import('../documents/zip.js')
    return { text: decode(unpacked(bytes), { encoding, lenient: true }).text, isWhole: false }
  }
}

/** Whether a part of the table has characters that could not be decoded. @param {TableText} table @param {string} part */
export const isBad = ({ isWhole }, part) => !isWhole && part.includes('\ufffd')

/**
 * @param {import('papaparse').ParseError[]} errors of one row
 * @param {number} first line of it
 * @param {number} last
 * @returns {Error | undefined} what is wrong with its quotes
 */
function quoteError(errors, first, last) {
  const quotes = errors.filter(({ type }) => type === 'Quotes')
  if (quotes.length === 0) return undefined
  const isOpen = quotes.some(({ code }) => code === 'MissingQuotes')
  if (quotes[0].code === 'MissingQuotes') return new Error('a quote in it is never closed, so that all that follows belongs to it')
  const lost = last === first ? '' : isOpen ? ', so that all that follows belongs to it' : `, so that lines ${first} to ${last} are one row`
  return new Error(`there is text after a closing quote${lost}`)
}

/**
 * @param {TableText} table
 * @returns {{ header: string[], rows: Row[] }} the header's names without white space around them
 */
export function rowsOfCsv(table) {
  const { text } = table
  /** @type {Row[]} */
  const rows = []
  /** @type {string[] | undefined} */
  let header
  let line = 1
  let at = 0
  const newline = text.includes('\n') ? '\n' : '\r'
  Papa.parse(text, {
    delimiter: delimiterOf(text),
    step: ({ data, errors, meta }) => {
      const cells = /** @type {string[]} */ (/** @type {unknown} */ (data))
      const where = { line, share: meta.cursor / text.length }
      line += text.slice(at, meta.cursor).split(newline).length - 1
      at = meta.cursor
      if (cells.every((cell) => cell.trim() === '')) return // spreadsheets write rows that have once been used
      if (header === undefined) {
        header = cells.map((cell) => cell.trim())
        return
      }
      const error = quoteError(errors, where.line, text[at - 1] === newline ? line - 1 : line)
      if (error !== undefined) rows.push({ ...where, error })
      else if (cells.length !== header.length) rows.push({ ...where, error: new Error(`it has ${cells.length} field${cells.length === 1 ? '' : 's'}, the header ${header.length}`) })
      else if (cells.some((cell) => isBad(table, cell))) rows.push({ ...where, error: new Error('it has characters that cannot be decoded') })
      else rows.push({ ...where, cells })
    }
  })
  return { header: header ?? [], rows }
}
