/**
 * A PDF with a text on each page, written by hand.
 *
 * @param {string[]} texts of ASCII, in lines that are short enough for a page
 * @param {string} [font] as PDF
 * @returns {Uint8Array}
 */
export function pdfOf(texts, font = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>') {
  const pages = texts.map((_, i) => `${4 + 2 * i} 0 R`)
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Kids [${pages.join(' ')}] /Count ${texts.length} >>`,
    font
  ]
  for (const [i, text] of texts.entries()) {
    const lines = text.split('\n').map((line) => `(${line.replace(/[\\()]/g, '\\$&')}) Tj`)
    const content = text === '' ? '' : `BT /F1 12 Tf 14 TL 72 720 Td ${lines.join(' T* ')} ET`
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + 2 * i} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`
    )
  }
  let file = '%PDF-1.4\n'
  const offsets = objects.map((object, i) => {
    const at = file.length
    file += `${i + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const start = file.length
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`)
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows.join('')}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return new TextEncoder().encode(file)
}
