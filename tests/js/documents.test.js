/**
 * What documents are read as: by content, type and name, each format, and what is wrong with them.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { readDocument, TYPES } from 'linformer-wasm/documents'
import { htmlText } from '../../documents/html.js'
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
  const mixed = await read(file('mixed.pdf'))
  assert.deepEqual([mixed.text, mixed.format, mixed.notes], ['Scanned by ACME Copier 3000', 'pdf', ['3 of 4 pages have no text: pictures, perhaps scans']])
})

test('content decides, then type, then name', async () => {
  const page = '<!doctype html><title>t</title><p>One</p>'
  for (const [content, options, format, text] of [
    [page, {}, 'html', 'One'],
    [page, { name: 'a.txt', type: 'text/plain' }, 'html', 'One'],
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
  assert.equal(await textOf(Uint8Array.of(0x83, 0x65), { encoding: 'shift_jis' }), 'テ')
  await assert.rejects(read(cafe), { code: 'DOCUMENT', message: /^it is not UTF-8 \(byte 4\)/, details: { reason: 'encoding', encoding: 'utf-8' } })
  await assert.rejects(read(Uint8Array.of(0xff, 0xfe, 0, 0, 0x41, 0, 0, 0)), /UTF-32/)
  await assert.rejects(read('a', { encoding: 'klingon' }), { code: 'BAD_ARGUMENT' })
  await assert.rejects(read(Uint8Array.of(0x41, 0x42, 0, 0x43, 0, 0, 0x44)), /character 3 is NUL/)
  // One bad byte of a page is no reason to do without it, and is told.
  const page = await read(Buffer.concat([Buffer.from(`<html><p>${'word '.repeat(100)}`), Uint8Array.of(0xe9)]))
  assert.deepEqual(page.notes, ['1 character could not be decoded'])
})

test('empty is what has no visible character', async () => {
  for (const [content, name] of [
    [file('formfeed.txt'), 'formfeed.txt'], [file('white.txt'), 'white.txt'], ['', 'a.txt'], ['\ufeff', 'a.txt'], ['\u200b\u200d\u2060\u00ad', 'a.txt'], ['<html><title>t</title><p> &nbsp;&zwnj; ', 'a.html'],
    ['---\ntitle: all\n---\n\n', 'a.md'], [pdfOf(['', '']), 'a.pdf']
  ]) await assert.rejects(read(content, { name }), { name: 'LinformerError', code: 'EMPTY_TEXT' }, name)
  await assert.rejects(read(pdfOf(['', ''])), /no text in it, only pictures of pages \(2\)/)
})

test('what is not read is refused by its name, and tables get a hint', async () => {
  const padded = (start, length = 600) => Buffer.concat([Buffer.from(start, 'latin1'), Buffer.alloc(length)])
  for (const [content, message] of [
    [padded('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), /Office file of before 2007/], [padded('\x89PNG\r\n\x1a\n'), /picture/], [padded('\xff\xd8\xff\xe0'), /picture/],
    [padded('%!PS-Adobe-3.0'), /PostScript/], [padded('7z\xbc\xaf'), /archive/], [padded('ID3\x03'), /film or sound/], [padded('\x7fELF'), /program/], [padded('\0\0\0\x1cftypmp42'), /film/],
    ['<?xml version="1.0"?><rss><p>text</p></rss>', /it is XML \(<rss>\)/], ['<svg xmlns="http://www.w3.org/2000/svg"><text>a</text></svg>', /SVG/], [readFileSync('wasm/dist/linformer-simd128.wasm'), /program/]
  ]) await assert.rejects(read(content), (error) => error.code === 'DOCUMENT' && error.details.reason === 'format' && message.test(error.message), String(message))
  for (const [content, name, table] of [
    [file('rows.csv'), 'rows.csv', 'csv'], [file('rows.csv'), undefined, 'csv'], [file('bigid.jsonl'), undefined, 'jsonl'], ['{"text": "a"}', 'a.txt', 'json'], ['[{"text": "a"}]', undefined, 'json'],
    ['a\tb', 'a.tsv', 'tsv']
  ]) await assert.rejects(read(content, { name }), { code: 'DOCUMENT', details: { reason: 'table', format: table } })
  assert.equal(await textOf(file('rows.csv'), { name: 'rows.csv', type: 'text' }), file('rows.csv').toString())
  for (const prose of ['[sic] he said, "no"', '{not JSON}', 'Dear text, label\nand so on', 'MZ is a name', 'ID3 tags', 'RIFF raff']) assert.equal(await textOf(prose), prose)
  await assert.rejects(read('A page of text', { name: 'a.pdf' }), { details: { reason: 'damaged', format: 'pdf' } })
  await assert.rejects(read('%PDF-1.4\nnothing more'), /not a PDF that can be read/)
  await assert.rejects(readDocument('a string'), { code: 'BAD_ARGUMENT' })
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
    ['<svg><svg/>'.repeat(100_000), /1,000,000,000/],
    [`${'<span>'.repeat(300_000)}${'</x>'.repeat(300_000)}`, /1,000,000,000/],
    [`<p>${[...Array(1000).keys()].map((i) => `<b a${i}>`).join('')}${'<p>a'.repeat(1100)}`, /1,000,000 elements/],
    [`<a ${[...Array(60_000).keys()].map((i) => `b${i}`).join(' ')}>`, /10,000/]
  ]) assert.throws(() => htmlText(markup), (error) => error.details.reason === 'limit' && limit.test(error.message), String(limit))
})
