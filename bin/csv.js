/**
 * Tables as RFC 4180 has them.
 *
 * @param {(string | number)[]} cells
 * @returns {string} a row, with its end
 */
export const csvLine = (cells) => `${cells.map((cell) => /[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell).join(',')}\r\n`
