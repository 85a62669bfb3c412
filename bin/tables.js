/**
 * Rows of a CSV or TSV file, by the names of their columns.
 */
import { bytesOf } from './documents.js'
import { rowsOfCsv, tableText } from './rows.js'

/** Files whose names are those of tables. */
export const TABLE = /\.(csv|tsv)(\.gz)?$/i

/** Of a header that lacks a column. */
const COLUMNS_TOLD = 10
const CHARACTERS_TOLD = 40

/**
 * @typedef {{ line: number, share: number, row?: Record<string, unknown>, error?: unknown }} Row
 *
 * @typedef {object} Wanted
 * @property {string[][]} required of each list one column has to be there
 * @property {string[]} [optional]
 * @property {string} named which options name the columns, for the error
 * @property {string} [encoding]
 */

/**
 * @param {string} path
 * @param {Wanted} wanted columns, whose case does not matter
 * @returns {Promise<Row[]>} the cells that are wanted, by the names they are asked for by
 * @throws {unknown} if the table cannot be read, or lacks a column
 */
export async function rowsOfTable(path, { required, optional = [], named, encoding }) {
  const table = await tableText(await bytesOf(path), encoding)
  const { header: written, rows } = rowsOfCsv(table)
  const header = written.map((name) => name.toLowerCase())
  const told = written.slice(0, COLUMNS_TOLD).map((name) => `"${name.slice(0, CHARACTERS_TOLD)}"`).join(', ') + (written.length > COLUMNS_TOLD ? ', ...' : '')
  for (const names of required) {
    if (!names.some((name) => header.includes(name.toLowerCase()))) {
      throw new Error(`it has no column "${names[0]}"; its header is ${told} (${named})`)
    }
  }
  const wanted = [...required.flat(), ...optional]
  const twice = wanted.find((name) => header.filter((each) => each === name.toLowerCase()).length > 1)
  if (twice !== undefined) throw new Error(`it has the column "${twice}" more than once; its header is ${told}`)
  return rows.map(({ cells, ...rest }) => (cells === undefined ? rest : { ...rest, row: rowOf(header, cells, wanted, optional) }))
}

/** @param {string[]} header @param {string[]} cells @param {string[]} names @param {string[]} optional where an empty cell is no value */
function rowOf(header, cells, names, optional) {
  const there = names.filter((name) => header.includes(name.toLowerCase()))
  const values = there.map((name) => [name, cells[header.indexOf(name.toLowerCase())]])
  return Object.fromEntries(values.filter(([name, cell]) => cell !== '' || !optional.includes(name)))
}
