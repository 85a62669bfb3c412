/**
 * Tables that look like texts: rows of CSV, TSV and JSON hold many documents, or none.
 */

/** Names of columns that people give to texts, to their labels and to their numbers. */
const COLUMNS = /^(id|index|text|texts|label|labels|class|category|sentiment|score|rating|stars|title|body|content|message|review|comment|description|subject|date|name|url|author|tweet|sentence)$/i

/**
 * @param {string} sample beginning of the document
 * @param {boolean} isCut whether there is more of it
 * @param {boolean} isNameless whether neither type nor name says what it is
 * @returns {'csv' | 'tsv' | 'json' | 'jsonl' | undefined}
 */
export function tableIn(sample, isCut, isNameless) {
  const text = sample.trim()
  if (/^[[{]/.test(text)) {
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
    const whole = isCut ? lines.slice(0, -1) : lines
    if (whole.length > 0 && whole.every((line) => line.startsWith('{') && isJson(line))) return lines.length === 1 ? 'json' : 'jsonl'
    // Of a long one only the beginning is there: a name or a bracket follows at once.
    if (isCut ? /^(\{\s*"[^"]*"\s*:|\[\s*[[{"\d-])/.test(text) : isJson(text)) return 'json'
  }
  if (!isNameless) return undefined
  const [header, ...rows] = text.split(/\r?\n/)
  for (const delimiter of ['\t', ',', ';']) {
    const names = header.split(delimiter).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
    const isHeader = names.length >= 2 && names.filter((name) => COLUMNS.test(name)).length >= 2
    if (isHeader && rows.length > 0 && rows[0].includes(delimiter)) return delimiter === '\t' ? 'tsv' : 'csv'
  }
  return undefined
}

/** @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
