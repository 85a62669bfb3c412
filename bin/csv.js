/**
 * Tables as RFC 4180 has them.
 *
 * @param {(string | number)[]} cells
 * @returns {string} a row, with its end
 */
export const csvLine = (cells) => `${cells.map((cell) => /[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell).join(',')}\r\n`

/**
 * A cell that no spreadsheet takes for a formula: with an apostrophe in front, if it begins like one.
 *
 * @template {string | number} Cell
 * @param {Cell} cell
 * @returns {Cell | string}
 */
export const neutral = (cell) => typeof cell === 'string' && /^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell
