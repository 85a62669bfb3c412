/** A small PDF, written by hand: one column of Helvetica, a page for each text. */

/** @param {string[][]} pages lines of each page, ASCII @returns {Uint8Array} */
export function pdf(pages) {
  const text = (/** @type {string} */ line) => `(${line.replace(/[\\()]/g, '\\$&')}) Tj T*`
  const kids = pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...pages.flatMap((lines, i) => {
      const content = `BT /F1 11 Tf 14 TL 60 780 Td ${lines.map(text).join(' ')} ET`
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`,
        `<< /Length ${content.length} >>\nstream\n${content}\nendstream`
      ]
    })
  ]
  let file = '%PDF-1.4\n'
  const offsets = objects.map((object, i) => {
    const at = file.length
    file += `${i + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const table = file.length
  const entry = (/** @type {number} */ at) => `${String(at).padStart(10, '0')} 00000 n \n`
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map(entry).join('')}`
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`
  return new TextEncoder().encode(file)
}

/** The text in lines of about so many characters, as a page would have it. @param {string} text @param {number} width */
export function lines(text, width = 80) {
  return text.split('\n').flatMap((paragraph) => {
    /** @type {string[]} */
    const found = ['']
    for (const word of paragraph.split(' ')) {
      const last = found[found.length - 1]
      if (last !== '' && last.length + word.length >= width) found.push(word)
      else found[found.length - 1] = last === '' ? word : `${last} ${word}`
    }
    return found
  })
}
