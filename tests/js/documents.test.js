/**
 * What documents are read as: by content, type and name, each format, and what is wrong with them.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { gzipSync, strToU8, zipSync } from 'fflate'
import { readDocument, TYPES } from 'linformer-wasm/documents'
import { decodeDos } from '../../documents/dos.js'
import { htmlText } from '../../documents/html.js'
import { paragraphs } from '../../documents/pdf-text.js'
import { gunzip } from '../../documents/zip.js'
import { pdfOf } from './helpers/pdf.js'

const bytesOf = (text) => typeof text === 'string' ? new TextEncoder().encode(text) : text
const file = (name) => readFileSync(new URL(`../documents/files/${name}`, import.meta.url))
const read = (content, options) => readDocument(bytesOf(content), options)
const textOf = async (content, options) => (await read(content, options)).text
/** The name's ending is told to the reader only where `name` is. */
const fileText = async (name, options = { name }) => textOf(file(name), options)

const VERDICT = 'It’s the worst film I have seen this year. The acting is dreadful, the plot is a mess and the ending is awful.'
const PLAIN = VERDICT.replace('’', "'")

test('files that people have, each read as a careful person would', async () => {
  const minified = await fileText('minified.html')
  assert.equal(minified.split('\n\n').length, 4)
  assert.match(minified, /^A wonderful evening[^]*lovely\.[^]*worst I have seen\.[^]*waste of time\.$/)
  assert.equal(await fileText('nohead-end.html'), 'A wonderful evening\n\nThe film is lovely and the cast is excellent.')
  assert.equal(await fileText('refs.html'), 'I don’t like it — it’s “bad” ♥ Δ † α → ✓ & © \u200c end')
  assert.equal(await fileText('strict.xhtml'), PLAIN)
  assert.equal(await fileText('utf16le-bom.txt'), PLAIN)
  assert.equal((await fileText('post.md')).trim(), PLAIN)
  for (const name of ['plain.pdf', 'junk-before.pdf']) {
    assert.equal(await fileText(name), `${VERDICT} An otherwise competent director has made something unbearable, and I would not recommend it to anybody.\n\nThe office staff found the final affair difficult.`)
  }
  assert.equal(await fileText('memo.rtf'), `${VERDICT.replace('. ', '.\n\n')}`)
  for (const format of ['docx', 'odt', 'epub']) {
    const { text, format: as } = await read(file(`review.${format}`))
    assert.deepEqual([as, text], [format, VERDICT])
  }
  const mixed = await read(file('mixed.pdf'))
  assert.deepEqual([mixed.text, mixed.format, mixed.notes], ['Scanned by ACME Copier 3000', 'pdf', ['3 of 4 pages have no text: pictures, perhaps scans']])
})

test('content decides, then type, then name', async () => {
  const page = '<!doctype html><title>t</title><p>One</p>'
  for (const [content, options, format, text] of [
    [page, {}, 'html', 'One'],
    [page, { name: 'a.txt', type: 'text/plain' }, 'html', 'One'],
    ['<?xml version="1.0"?><title>t</title></head><body>One', { name: 'a.html' }, 'html', 'One'],
    ['<html xmlns="http://www.w3.org/1999/xhtml"><title/><p>One</p></html>', { name: 'a.xml' }, 'xhtml', 'One'],
    ['One', { name: 'a.xml', type: 'text/xml' }, 'text', 'One'],
    [page, { name: 'a.md' }, 'html', 'One'],
    [page, { type: 'text' }, 'text', page],
    ['<!-- saved --><p>One', {}, 'html', 'One'],
    ['<h1>One</h1>two', { name: 'a.md' }, 'markdown', '<h1>One</h1>two'],
    ['One', { name: 'A.HTML' }, 'html', 'One'],
    ['1 < 2', { type: 'text/plain', name: 'x' }, 'text', '1 < 2'],
    ['caf\xe9 &eacute;', { type: 'text/html; charset=utf-8' }, 'html', 'café é'],
    [pdfOf(['One page.']), { type: 'text' }, 'pdf', 'One page.'],
    ['---\ntitle: x\ntags:\n  - a\n---\nOne', { name: 'a.md' }, 'markdown', 'One'],
    ['---\nnot a field\n---\nOne', { name: 'a.md' }, 'markdown', '---\nnot a field\n---\nOne'],
    ['+++\ntitle = "x"\n+++\nOne', { name: 'a.markdown' }, 'markdown', 'One'],
    ['<html>not markup that was meant', { type: 'markdown' }, 'markdown', '<html>not markup that was meant']
  ]) {
    const { text: found, format: as } = await read(content, options)
    assert.deepEqual([as, found], [format, text], JSON.stringify(content).slice(0, 60))
  }
  for (const type of TYPES) assert.match(type, /^[a-z]+$/)
})

test('encodings: a mark, then the user, then zero bytes, then what is declared', async () => {
  const utf16 = (text, little) => Uint8Array.from([...text].flatMap((c) => little ? [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8] : [c.charCodeAt(0) >> 8, c.charCodeAt(0) & 255]))
  const cafe = Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 0x20, 0x93, 0x61, 0x94)
  assert.equal(await textOf(utf16('A text — in two bytes', true)), 'A text — in two bytes')
  assert.equal(await textOf(utf16('A text — in two bytes', false)), 'A text — in two bytes')
  assert.equal(await textOf(utf16('\ufeffmarked', false), { encoding: 'windows-1252' }), 'marked')
  assert.equal(await textOf(cafe, { encoding: 'windows-1252' }), 'café “a”')
  assert.equal(await textOf(cafe, { type: 'text/plain; charset=windows-1252' }), 'café “a”')
  assert.equal(await textOf(Buffer.concat([Buffer.from('<html><meta charset=iso-8859-1><p>'), cafe])), 'café “a”')
  // Browsers find the declaration anywhere in the head, but not in a script of it, or in the body.
  const long = `<html><head><script>'<meta charset=koi8-r>'</script><style>${'p { } '.repeat(1000)}</style>`
  assert.equal(await textOf(Buffer.concat([Buffer.from(`${long}<meta charset=iso-8859-1></head><body>`), cafe])), 'café “a”')
  const late = await read(Buffer.concat([Buffer.from(`<html><head>${' '.repeat(2000)}</head><body><meta charset=iso-8859-1>`), cafe]))
  assert.deepEqual(late.notes, ['3 characters could not be decoded'])
  assert.equal(await textOf(Uint8Array.of(0x83, 0x65), { encoding: 'shift_jis' }), 'テ')
  await assert.rejects(read(cafe), { code: 'DOCUMENT', message: /^it is not UTF-8 \(byte 4\)/, details: { reason: 'encoding', encoding: 'utf-8' } })
  await assert.rejects(read(Uint8Array.of(0xff, 0xfe, 0, 0, 0x41, 0, 0, 0)), /UTF-32/)
  await assert.rejects(read('a', { encoding: 'klingon' }), { code: 'BAD_ARGUMENT' })
  await assert.rejects(read(Uint8Array.of(0x41, 0x42, 0, 0x43, 0, 0, 0x44)), /character 3 is NUL/)
  // A zero byte in a short text does not make it UTF-16.
  for (const text of ['Hello\0world, this is text.', 'Dear all, that is it.\0', 'Le café,\0 déjà vu'].map(bytesOf)) {
    assert.equal(text.length % 2, 0)
    await assert.rejects(read(text), /it is not text: character \d+ is NUL/)
  }
  for (const text of ['Фильм был', 'हिन्दी में है', 'A text', 'ελληνικά και']) assert.equal(await textOf(utf16(text, true)), text)
  // One bad byte of a page is no reason to do without it, and is told.
  const page = await read(Buffer.concat([Buffer.from(`<html><p>${'word '.repeat(100)}`), Uint8Array.of(0xe9)]))
  assert.deepEqual(page.notes, ['1 character could not be decoded'])
})

test('empty is what has no visible character', async () => {
  for (const [content, name] of [
    [file('formfeed.txt'), 'formfeed.txt'], [file('white.txt'), 'white.txt'], ['', 'a.txt'], ['\ufeff', 'a.txt'], ['\u200b\u200d\u2060\u00ad', 'a.txt'], ['<html><title>t</title><p> &nbsp;&zwnj; ', 'a.html'],
    ['---\ntitle: all\n---\n\n', 'a.md'], [pdfOf(['', '']), 'a.pdf']
  ]) await assert.rejects(read(content, { name }), { name: 'LinformerError', code: 'EMPTY_TEXT' }, name)
  await assert.rejects(read(pdfOf(['', ''])), /no text in it: its pages \(2\) are blank, or pictures that text recognition \(OCR\) can read/)
})

test('what is not read is refused by its name, and tables get a hint', async () => {
  const padded = (start, length = 600) => Buffer.concat([Buffer.from(start, 'latin1'), Buffer.alloc(length)])
  for (const [content, message] of [
    [padded('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), /Office file of before 2007/], [padded('\x89PNG\r\n\x1a\n'), /picture/], [padded('\xff\xd8\xff\xe0'), /picture/],
    [padded('%!PS-Adobe-3.0'), /PostScript/], [padded('7z\xbc\xaf'), /archive/], [padded('ID3\x03'), /film or sound/], [padded('\x7fELF'), /program/], [padded('\0\0\0\x1cftypmp42'), /film/],
    ['<?xml version="1.0"?><rss><p>text</p></rss>', /it is XML \(<rss>\)/], ['<svg xmlns="http://www.w3.org/2000/svg"><text>a</text></svg>', /SVG/], [readFileSync('wasm/dist/linformer-simd128.wasm'), /program/]
  ]) await assert.rejects(read(content), (error) => error.code === 'DOCUMENT' && error.details.reason === 'format' && message.test(error.message), String(message))
  for (const about of [{ name: 'a.xml' }, { type: 'application/xml' }]) await assert.rejects(read('<note>text</note>', about), /it is XML \(<note>\), which is not read/)
  for (const [content, name, table] of [
    [file('rows.csv'), 'rows.csv', 'csv'], [file('rows.csv'), undefined, 'csv'], [file('bigid.jsonl'), undefined, 'jsonl'], ['{"text": "a"}', 'a.txt', 'json'], ['[{"text": "a"}]', undefined, 'json'],
    ['a\tb', 'a.tsv', 'tsv']
  ]) await assert.rejects(read(content, { name }), { code: 'DOCUMENT', details: { reason: 'table', format: table } })
  assert.equal(await textOf(file('rows.csv'), { name: 'rows.csv', type: 'text' }), file('rows.csv').toString())
  for (const prose of ['[sic] he said, "no"', '{not JSON}', 'Dear text, label\nand so on', 'MZ is a name', 'ID3 tags', 'RIFF raff']) assert.equal(await textOf(prose), prose)
  await assert.rejects(read('A page of text', { name: 'a.pdf' }), { details: { reason: 'damaged', format: 'pdf' } })
  await assert.rejects(read(gzipSync(file('rows.csv'))), { details: { reason: 'table', format: 'csv' } })
  assert.equal(await textOf(gzipSync(file('rows.csv')), { type: 'text' }), file('rows.csv').toString())
  assert.equal(await textOf(gzipSync(strToU8('a text')), { type: 'application/gzip' }), 'a text')
  await assert.rejects(read('%PDF-1.4\nnothing more'), /not a PDF that can be read/)
  await assert.rejects(readDocument('a string'), { code: 'BAD_ARGUMENT' })
})

/** An archive of texts. @param {Record<string, string>} files */
const archiveOf = (files) => zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])))

test('Word and OpenDocument: what is on the page, without what was deleted, hidden or said twice', async () => {
  const word = (body) => archiveOf({ 'word/document.xml': `<w:document xmlns:w="w"><w:body>${body}</w:body></w:document>`, 'word/footnotes.xml': '<w:footnotes xmlns:w="w"><w:p><w:t>A note.</w:t></w:p></w:footnotes>' })
  assert.equal(await textOf(word('<w:p><w:r><w:t>One</w:t><w:tab/><w:t xml:space="preserve"> &amp; two</w:t></w:r><w:del><w:r><w:delText>no</w:delText></w:r></w:del></w:p><w:tbl><w:tr><w:tc><w:p><w:t>a</w:t></w:p></w:tc></w:tr></w:tbl>')), 'One & two\n\na\n\nA note.')
  const odt = (body, more = {}) => archiveOf({ mimetype: 'application/vnd.oasis.opendocument.text', 'content.xml': `<o xmlns:text="t" xmlns:office="o"><office:annotation><text:p>no</text:p></office:annotation>${body}</o>`, ...more })
  assert.equal(await textOf(odt('<text:h>Title</text:h><text:p>One<text:s/>two<text:line-break/>three</text:p>')), 'Title\n\nOne two\nthree')
  await assert.rejects(read(odt('', { 'META-INF/manifest.xml': '<m><encryption-data/></m>' })), { details: { reason: 'locked' } })
  // Hidden runs, readings beside characters and the templates of an index are not on the page; a text box is not part of the word it is at.
  const hidden = (value) => `<w:r><w:rPr><w:b/><w:vanish${value}/></w:rPr><w:t>no</w:t></w:r>`
  assert.equal(await textOf(word(`<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>One</w:t></w:r>${hidden('')}${hidden(' w:val="true"')}${hidden(' w:val="0"')}<w:r><w:rPr/><w:t>ce</w:t></w:r></w:p>`)), 'Onenoce\n\nA note.')
  assert.equal(await textOf(word('<w:p><w:r><w:rPr><w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange></w:rPr><w:t>shown now</w:t></w:r></w:p>')), 'shown now\n\nA note.')
  assert.equal(await textOf(word('<w:p><w:r><w:t>Before</w:t><w:pict><w:txbxContent><w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>Box</w:t></w:r></w:p></w:txbxContent></w:pict><w:t>after</w:t></w:r></w:p>')), 'Before\n\nBox\n\nafter\n\nA note.')
  assert.equal(await textOf(word('<w:p><w:r><w:ruby><w:rt><w:r><w:t>とう</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>東</w:t></w:r></w:rubyBase></w:ruby></w:r><w:r><w:ptab/><w:t>b</w:t></w:r></w:p>')), '東 b\n\nA note.')
  const index = '<text:table-of-content><text:table-of-content-source><text:index-title-template>Contents</text:index-title-template></text:table-of-content-source><text:index-body><text:p>Contents</text:p></text:index-body></text:table-of-content>'
  assert.equal(await textOf(odt(`${index}<text:p><text:ruby><text:ruby-base>東</text:ruby-base><text:ruby-text>とう</text:ruby-text></text:ruby></text:p>`)), 'Contents\n\n東')
  const drawing = '<svg:title xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0">no</svg:title>'
  assert.equal(await textOf(odt(`<text:p><text:title>The title</text:title>${drawing} of it</text:p>`)), 'The title of it')
  const scan = { 'word/document.xml': '<w:document xmlns:w="w"><w:p/></w:document>', 'word/media/image1.png': '', 'word/media/image2.png': '' }
  await assert.rejects(read(archiveOf(scan)), { code: 'EMPTY_TEXT', message: 'the text is empty: it has only pictures (2): run text recognition (OCR) on them first' })
  await assert.rejects(read(odt('', { 'Pictures/a.jpg': '' })), /it has only pictures \(1\)/)
  const parts = { 'word/charts/chart1.xml': '', 'word/charts/chart2.xml': '', 'word/charts/style1.xml': '', 'word/diagrams/data1.xml': '', 'word/afchunk.htm': '' }
  const withParts = (body) => archiveOf({ 'word/document.xml': `<w:document xmlns:w="w">${body}</w:document>`, ...parts })
  assert.deepEqual((await read(withParts('<w:p><w:r><w:t>One</w:t></w:r></w:p>'))).notes, ['2 charts are not read', '1 diagram is not read', '1 embedded document is not read'])
  await assert.rejects(read(withParts('<w:p/>')), { code: 'EMPTY_TEXT', message: /^the text is empty: .*1 embedded document is not read/ })
  await assert.rejects(read(word('<w:p>')), { details: { reason: 'damaged' } })
  for (const [files, message] of [[{ 'xl/workbook.xml': '' }, /Excel/], [{ 'ppt/presentation.xml': '' }, /PowerPoint/], [{ 'a.txt': 'a' }, /zip archive/]]) await assert.rejects(read(archiveOf(files)), message)
})

test('books in the order of their spine, mails with their subject, RTF in its code pages, gzip of any of them', async () => {
  const book = {
    mimetype: 'application/epub+zip', 'META-INF/container.xml': '<c><rootfiles><rootfile full-path="b/c.opf"/></rootfiles></c>',
    'b/c.opf': '<p><manifest><item id="x" href="two%20.xhtml"/><item id="y" href="one.xhtml"/><item id="n" href="nav.xhtml" properties="nav"/></manifest><spine><itemref idref="n"/><itemref idref="y"/><itemref idref="x"/><itemref idref="gone"/></spine></p>',
    'b/two .xhtml': '<html><title/><p>Two&nbsp;&eacute;</p></html>', 'b/one.xhtml': '<html><p>One</p></html>', 'b/nav.xhtml': '<html>no</html>'
  }
  assert.deepEqual(await read(archiveOf(book)), { text: 'One\n\nTwo é', format: 'epub', notes: ['1 chapter is missing'] })
  const mail = 'Received: by x\r\nSubject: =?utf-8?B?Y2Fmw6k=?=\r\nFrom: a@b.c\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+SGVsbG8gPGI+Ym9keTwvYj4=\r\n--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nxx\r\n--x--\r\n'
  assert.deepEqual(await read(mail), { text: 'café\n\nHello body', format: 'eml', notes: ['attachment not read: a.pdf'] })
  assert.equal(await textOf(mail.replace('text/html', 'text/plain; charset=windows-1252').replace('base64', '8bit').replace(/PHA.*/, 'plain'), { name: 'x.eml' }), 'café\n\nplain')
  const rtf = String.raw`{\rtf1\ansi\ansicpg1251{\fonttbl{\f0\fcharset204 No;}{\f1\fcharset128 No;}}{\info{\title No}}\f0 \'cf\'f0\u8364?\par {\f1\'83\'65}{\v no}\{a\}\~b{\*\x no}{\pict 00ff}\emdash\uc2\u233xx.}`
  assert.equal(await textOf(rtf), 'Пр€\n\nテ{a} b—é.')
  assert.deepEqual(await read(gzipSync(strToU8(rtf)), { name: 'a.rtf.gz' }), { text: 'Пр€\n\nテ{a} b—é.', format: 'rtf', notes: [] })
})

test('options and bytes that are none are told by name, whatever the file is; null is an option that is not there', async () => {
  const nothing = { name: null, type: null, encoding: null, onProgress: undefined }
  for (const content of ['A text', gzipSync(strToU8('A text')), pdfOf(['A text'])]) {
    assert.equal(await textOf(content, nothing), 'A text')
    for (const [options, message] of [
      [null, /^options is null/], [5, /^options is 5/], [{ name: 5 }, /^name is 5, not a string/], [{ type: {} }, /^type is \{\}/], [{ encoding: 5 }, /^encoding is 5/], [{ encoding: 'klingon' }, /klingon/],
      [{ onProgress: 5 }, /^onProgress is 5, not a function/]
    ]) await assert.rejects(read(content, options), { name: 'LinformerError', code: 'BAD_ARGUMENT', message })
    const gone = new Uint8Array(bytesOf(content))
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    for (const bytes of [gone, gone.buffer]) await assert.rejects(readDocument(bytes), { code: 'BAD_ARGUMENT', message: /transferred/ })
  }
  for (const bytes of [undefined, null, {}, [1], 'abc']) await assert.rejects(readDocument(bytes), { code: 'BAD_ARGUMENT' })
  // What the caller's own function throws is the caller's, not a fault of the file.
  for (const error of [new Error('mine'), new DOMException('enough', 'AbortError'), undefined]) {
    const onProgress = () => { throw error }
    assert.equal(await read(pdfOf(['A text']), { onProgress }).catch((thrown) => ({ thrown })).then(({ thrown }) => thrown), error)
    await assert.rejects(read(gzipSync(pdfOf(['A text'])), { onProgress }), (thrown) => thrown === error)
  }
})

test('a mail by its name that has no header is none: its first paragraph would be lost', async () => {
  for (const about of [{ name: 'x.eml' }, { type: 'message/rfc822' }, { type: 'eml' }]) {
    await assert.rejects(readDocument(new TextEncoder().encode('I hated this film.\nAwful acting: terrible.\n\nThe popcorn was good.\n'), about), /does not begin with a mail header/)
  }
  assert.equal(await textOf('\ufeffSubject: s\n\nbody', { name: 'x.eml' }), 's\n\nbody')
})

test('a mailbox by its name: one mail is read, whatever its header fields are, and several are refused', async () => {
  const mail = 'From a@b.c Mon Jun 01 10:00:00 2009\nX-Note: x\nContent-Transfer-Encoding: quoted-printable\n\ncaf=C3=A9\n>From here on\n'
  assert.deepEqual(await read(mail, { name: 'x.mbox' }), { text: 'café\n>From here on', format: 'eml', notes: [] })
  for (const next of ['From a@b.c Mon Jun 01 11:00:00 2009', 'From  -  Mon Jun 01 11:00:00 2009', 'From a@b.c Mon Jun 01 11:00:00 +0200 2009', 'From a@b.c Mon Jun 01 11:00:00 2009 +0200']) {
    await assert.rejects(read(`${mail}\n${next}\n\nTwo`, { type: 'application/mbox' }), /a mailbox of several mails/)
  }
  assert.match(await textOf(`${mail}\nFrom here it goes on until 2009\n`, { name: 'x.mbox' }), /2009$/)
})

test('RTF and mails that break off: nothing is made up, and it is told', async () => {
  const note = 'the file ends early: text may be missing'
  const rtf = file('memo.rtf')
  const whole = await read(rtf)
  assert.deepEqual(whole.notes, [])
  for (let length = rtf.indexOf('worst') + 5; length < rtf.lastIndexOf('}'); length++) {
    const { text, notes } = await read(rtf.subarray(0, length))
    assert.deepEqual([whole.text.startsWith(text), notes], [true, [note]], `${length} bytes`)
  }
  assert.equal(await textOf(String.raw`{\rtf1 One \u82`), 'One')
  assert.equal(await textOf(String.raw`{\rtf1 One \'9`), 'One')

  const text = 'The café is a long way from here, and it is worth it.'
  const head = 'Received: by x\r\nSubject: s\r\nFrom: a@b.c\r\nMIME-Version: 1.0\r\n'
  for (const type of ['plain', 'html']) {
    const part = `Content-Type: text/${type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(text).toString('base64')}`
    const mail = `${head}Content-Type: multipart/mixed; charset=x;\r\n boundary="a b=_c"\r\n\r\n--a b=_c\r\n${part}\r\n--a b=_c--\r\n`
    assert.deepEqual(await read(mail), { text: `s\n\n${text}`, format: 'eml', notes: [] })
    const end = mail.lastIndexOf('\r\n--')
    for (let length = end - 60; length < end; length++) {
      const { text: read, notes } = await readDocument(bytesOf(mail.slice(0, length)))
      assert.ok(`s\n\n${text}`.startsWith(read.replace(/\ufffd$/, '')) && notes[0] === note, `${length}: ${JSON.stringify([read, notes])}`)
    }
    assert.equal(await textOf(`${mail.slice(0, end)}\r\n--a b=_c\r\nContent-Type: text/html\r\n\r\n<p>More`.replace(/(base64\r\n\r\n.{17}).*/, '$1')), 's\n\nThe café is\n\nMore')
    // Not in several parts: the lone character tells.
    assert.deepEqual((await read(`${head}${part.slice(0, -3)}`)).notes, [note])
    assert.deepEqual((await read(`${head}${part}`)).notes, [])
  }
})

test('RTF in code pages of DOS, whose characters are those that iconv has', async () => {
  const upper = Uint8Array.from({ length: 128 }, (_, i) => 128 + i)
  for (const page of ['437', '850']) {
    assert.equal(decodeDos(upper, `ibm${page}`), execFileSync('iconv', ['-f', `CP${page}`, '-t', 'UTF-8'], { input: upper, encoding: 'utf8' }))
  }
  // By the document's own word, by the number of its code page, by its font's; 9b is a cent in the one and ø in the other.
  assert.equal(await textOf(String.raw`{\rtf1\pc M\'81ller: 5 \'9b.}`), 'Müller: 5 ¢.')
  assert.equal(await textOf(String.raw`{\rtf1\pca S\'9bren \'e1.}`), 'Søren ß.')
  assert.equal(await textOf(String.raw`{\rtf1\ansi\ansicpg850 S\'9bren}`), 'Søren')
  assert.equal(await textOf(String.raw`{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset254 B;}{\f2\fcharset255 C;}}\f0 caf\'e9 \f1 5 \'9b \f2 S\'9bren}`), 'café 5 ¢ Søren')
})

test('parts of a page that are drawn on their own stand apart, raised characters do not', () => {
  const part = (/** @type {string} */ str, /** @type {number} */ y, height = 10) => ({ str, hasEOL: false, height, transform: [height, 0, 0, height, 72, y] })
  assert.equal(paragraphs([part('Header', 760), part('Body', 748), part('goes on', 748), part('Footer', 40)]), 'Header Bodygoes on\n\nFooter')
  assert.equal(paragraphs([part('mc', 700), part('2', 705, 6), part('.', 700)]), 'mc2.')
  assert.equal(paragraphs([part('a', 700), { ...part('b', 650), transform: [0, 10, -10, 0, 72, 650] }]), 'ab')
})

test('RTF: what follows the document is no text, a star counts where a group begins, notes stand apart', async () => {
  assert.equal(await textOf(String.raw`{\rtf1 {\i0\*\cs7 The quick} fox.{\*\x no}{`.concat('\r\n', String.raw`\*\x no}}`, 'more\r\n\0\xef}')), 'The quick fox.')
  assert.equal(await textOf(String.raw`{\rtf1 word{\footnote{\super\chftn} A {\i note}.}word}`), 'word ( A note.) word')
  const rtf = String.raw`{\rtf1\ansi\ansicpg1252{\fonttbl{\f3\fcharset128 OpenSymbol;}}{\f3\'96} one`
  assert.deepEqual(await read(`${rtf}}`), { text: '– one', format: 'rtf', notes: [] })
  assert.deepEqual((await read(`${rtf.replace('1252', '932')}}`)).notes, ['1 character could not be decoded'])
  const damaged = await read(`${rtf.replace("'96", String.raw`'93\'fa\'96\'7b\'ff`)}}`)
  assert.deepEqual([damaged.text, damaged.notes], ['日本\ufffd one', ['1 character could not be decoded']])
})

test('a word that is divided between two lines of a PDF, or two columns, is made whole', () => {
  /** A line at a height of the page. */
  const line = (/** @type {string} */ str, /** @type {number} */ y) => ({ str, hasEOL: true, height: 10, transform: [1, 0, 0, 1, 72, y] })
  assert.equal(paragraphs([line('practices that shall con-', 60), line('tain sufficient infor-', 700), line('mation', 688)]), 'practices that shall contain sufficient information')
  assert.equal(paragraphs([line('a well-', 60), line('Known name', 48), line('12-', 36), line('month', 24)]), 'a well- Known name 12- month')
  assert.equal(paragraphs([line('The end -', 60), line('or not', 30)]), 'The end -\n\nor not')
})

test('a PDF form: what has been filled in, and notes that are written on the page', async () => {
  const text = '/Type /Annot /Rect [72 600 272 620] /F 4'
  const annotations = [
    `<< ${text} /Subtype /Widget /FT /Tx /T (name) /V (Ada Lovelace) >>`, `<< ${text} /Subtype /Widget /FT /Tx /Ff 8192 /T (password) /V (secret) >>`,
    `<< ${text} /Subtype /Widget /FT /Ch /Ff 131072 /T (title) /Opt [[(a) (Countess)] [(b) (Sir)]] /V (a) >>`, `<< ${text} /Subtype /FreeText /DA (/Helv 12 Tf) /Contents (A note.) >>`,
    '<< /Type /Annot /Rect [72 600 272 620] /F 2 /Subtype /FreeText /DA (/Helv 12 Tf) /Contents (hidden) >>', `<< ${text} /Subtype /Text /Contents (a comment) >>`
  ]
  const form = (/** @type {string} */ page) => new TextDecoder().decode(pdfOf([page])).replace('/Contents 5 0 R', `/Contents 5 0 R /Annots [${annotations.join(' ')}]`)
    .replace('/Type /Catalog', '/Type /Catalog /AcroForm << /Fields [] >>')
  assert.deepEqual(await read(form('Your name:')), { text: 'Your name:\n\nA note.\n\nAda Lovelace\n\nCountess', format: 'pdf', notes: [] })
  assert.equal(await textOf(form('')), 'A note.\n\nAda Lovelace\n\nCountess')
})

test('a font of a PDF that does not say which characters its glyphs are is told', async () => {
  const font = '<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X ' +
    '/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor << /Type /FontDescriptor /FontName /X /Flags 4 >> >>] >>'
  const { notes } = await read(pdfOf(['\0\x03\0\x04\0$'], font))
  assert.deepEqual(notes, ['2 characters could not be decoded: the font has no map to Unicode, so the text may be wrong elsewhere too'])
  assert.deepEqual((await read(pdfOf(['A plain text.']))).notes, [])
})

test('archives that unpack to more than there is room for, or break off', async () => {
  const bomb = zipSync({ 'word/document.xml': new Uint8Array(1000) })
  const directory = new DataView(bomb.buffer, bomb.length - 22).getUint32(16, true)
  new DataView(bomb.buffer).setUint32(directory + 24, 2 ** 28 + 1, true) // what it says that it unpacks to
  await assert.rejects(read(bomb), { details: { reason: 'limit', value: 2 ** 28 + 1, limit: 2 ** 28 } })
  new DataView(bomb.buffer).setUint32(directory + 24, 10, true)
  await assert.rejects(read(bomb), { code: 'DOCUMENT' })
  await assert.rejects(read(`MIME-Version: 1.0\nFrom: a\n${'\n'.repeat(1_000_001)}`), { details: { reason: 'limit', value: 1_000_003, limit: 1_000_000 } })
  assert.throws(() => gunzip(gzipSync(new Uint8Array(2 ** 22)), 2 ** 20), { details: { reason: 'limit', value: 2 ** 20, limit: 2 ** 20 } })
  await assert.rejects(read(gzipSync(strToU8('a text '.repeat(1000))).subarray(0, 30)), { details: { reason: 'damaged' } })
})

test('archives of which a byte is damaged are told, whichever it is', async () => {
  const body = (text) => `<w:document xmlns:w="w"><w:p><w:t>${text}</w:t></w:p></w:document>`
  const files = { '[Content_Types].xml': strToU8('<Types/>'), 'word/document.xml': strToU8(body('The rent is 1000 euro.')) }
  for (const level of [0, 9]) {
    const packed = zipSync(files, { level })
    const text = 'The rent is 1000 euro.'
    assert.equal(await textOf(packed), text)
    for (let at = 0; at < packed.length; at++) {
      const bytes = packed.slice()
      bytes[at] ^= 8
      const read = await textOf(bytes).catch(({ code }) => code)
      assert.ok(['DOCUMENT', text].includes(read), `level ${level}, byte ${at}: ${read}`)
    }
  }
  const stored = zipSync(files, { level: 0 })
  stored[Buffer.from(stored).indexOf('1000')] = '9'.charCodeAt(0)
  await assert.rejects(read(stored), { code: 'DOCUMENT', message: 'its archive is damaged (the checksum of word/document.xml is wrong)', details: { reason: 'damaged' } })
  // A password, by the flag of an entry in the archive's list.
  const locked = zipSync(files)
  const directory = new DataView(locked.buffer, locked.length - 22).getUint32(16, true)
  locked[Buffer.from(locked).indexOf('word/document.xml', directory) - 38] |= 1
  await assert.rejects(read(locked), { details: { reason: 'locked' } })
})

test('gzip of which a byte is damaged or missing is told; several members, and zeros after them, are read', async () => {
  const text = `The rent is ${Array.from({ length: 500 }, (_, i) => Math.sin(i)).join(' ')}`
  const packed = gzipSync(strToU8(text), { mtime: 0 })
  for (let length = 2; length < packed.length; length++) {
    assert.throws(() => gunzip(packed.subarray(0, length)), { code: 'DOCUMENT', details: { reason: 'damaged' } }, `${length} bytes`)
  }
  for (let at = 10; at < packed.length; at++) {
    const bytes = packed.slice()
    bytes[at] ^= 1
    assert.throws(() => gunzip(bytes), { code: 'DOCUMENT', details: { reason: 'damaged' } }, `byte ${at}`)
  }
  await assert.rejects(read(packed.subarray(0, 4)), { code: 'DOCUMENT', details: { reason: 'damaged' } })
  const both = Buffer.concat([packed, gzipSync(new Uint8Array()), packed])
  for (const zeros of [0, 1, 3, 4, 9, 512]) {
    for (const [bytes, expected] of [[packed, text], [both, text + text], [Buffer.concat([both, gzipSync(new Uint8Array())]), text + text]]) {
      assert.equal(await textOf(Buffer.concat([bytes, Buffer.alloc(zeros)])), expected, `${zeros} zeros`)
    }
  }
  both[packed.length - 8] ^= 1 // the checksum of the first member
  await assert.rejects(read(both), { message: 'its gzip is damaged (its checksum or length is wrong)' })
})

test('damaged bytes of every format: text, or an error in words', { timeout: 120_000 }, async () => {
  let seed = 7
  const below = (n) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 1) % n
  for (const name of ['review.docx', 'review.odt', 'review.epub', 'memo.rtf', 'plain.pdf', 'minified.html', 'strict.xhtml', 'post.md', 'utf16le-bom.txt']) {
    for (let round = 0; round < 25; round++) {
      const bytes = new Uint8Array(file(name))
      for (let i = 0; i <= below(20); i++) bytes[below(bytes.length)] = below(256)
      const part = round % 3 === 0 ? bytes.subarray(0, below(bytes.length)) : bytes
      await read(part, { name }).catch((error) => assert.ok(['DOCUMENT', 'EMPTY_TEXT'].includes(error.code), `${name}: ${error.stack}`))
    }
  }
})

test('HTML: what a reader sees, in paragraphs', () => {
  for (const [markup, text] of [
    ['plain text', 'plain text'],
    ['<p>One\n  paragraph.</p><p>Two &amp; <b>bold</b>.', 'One paragraph.\n\nTwo & bold.'],
    ['<!doctype html><html><head><title>Not this</title><style>p > a { }</style></head><body>This', 'This'],
    ['a<script>if (1 < 2) document.write("<p>no</p>")</script>b', 'ab'],
    ['a<SCRIPT>"<script>"</SCRIPT>b', 'ab'],
    ['<!-- no --> yes <!-- never closed', 'yes'],
    ['<a title="a > b" href=\'x\'>link</a>', 'link'],
    ['<ul><li>one<li>two</ul>three<br>four', 'one\ntwo\n\nthree\nfour'],
    ['<table><tr><td>a</td><td>b</td></tr><tr><td>c', 'a b\nc'],
    ['caf&eacute; &#233; &#xE9; &Ouml;l &hellip; &unknown; &#xD800; &#99999999;', 'café é é Öl … &unknown; \ufffd \ufffd'],
    ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
    ['<nav><div>menu</div></nav>text', 'text'],
    ['a<div hidden>no</div><div style="color:red; display: none">no<br>no</div><p style="x-display:none">b', 'a\n\nb'],
    ['<noscript>no</noscript><template>no</template><svg><title>no</title></svg><textarea>no</textarea>soft\u00ad hy&shy;phen', 'soft hyphen'],
    ['<pre>a\n  b\n\n\nc</pre>', 'a\nb\n\nc'],
    ['', '']
  ]) assert.equal(htmlText(markup), text, markup)
})

test('HTML that is damaged on purpose: an answer, or a limit with its number', () => {
  for (const bad of ['<', '<!--', '<a ', '<a "', '&', '<script>', '&#', '<p>\n ', '<!-->']) htmlText(bad.repeat(100_000))
  for (const [markup, limit] of [
    ['<svg><svg/>'.repeat(100_000), /100,000,000/],
    [`${'<span>'.repeat(300_000)}${'</x>'.repeat(300_000)}`, /100,000,000/],
    [`<p>${[...Array(1000).keys()].map((i) => `<b a${i}>`).join('')}${'<p>a'.repeat(1100)}`, /1,000,000 elements/],
    [`<a ${[...Array(60_000).keys()].map((i) => `b${i}`).join(' ')}>`, /10,000/]
  ]) assert.throws(() => htmlText(markup), (error) => error.details.reason === 'limit' && limit.test(error.message), String(limit))
})
