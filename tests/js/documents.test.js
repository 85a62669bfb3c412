/**
 * What the command line reads: HTML, PDF, folders, patterns, and very many lines.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import test from 'node:test'
import { fromFiles } from '../../bin/documents.js'
import { htmlText } from '../../bin/html.js'
import { filesOf, patternExpression } from '../../bin/paths.js'
import { pdfOf } from './helpers/pdf.js'
import { tiny } from './helpers/models.js'

const folder = await mkdtemp(join(tmpdir(), 'linformer-documents-'))
const at = (name) => join(folder, name)
await mkdir(at('deep/er'), { recursive: true })
for (const name of ['a.txt', 'b.md', 'c.html', 'deep/d.txt', 'deep/er/e.txt', 'deep/image.png', '.hidden.txt']) await writeFile(at(name), `<p>${name}`)
await writeFile(at('f.pdf'), pdfOf(['The first page.', 'The (second) one.']))

const collect = async (iterable) => {
  const found = []
  for await (const each of iterable) found.push(each)
  return found
}

test('HTML: what a reader sees, in paragraphs', () => {
  const cases = [
    ['plain text', 'plain text'],
    ['<p>One\n  paragraph.</p><p>Two &amp; <b>bold</b>.', 'One paragraph.\n\nTwo & bold.'],
    ['<!doctype html><html><head><title>Not this</title><style>p > a { }</style></head><body>This', 'This'],
    ['a<script>if (1 < 2) document.write("<p>no</p>")</script>b', 'ab'],
    ['a<SCRIPT>"<script>"</SCRIPT>b', 'ab'],
    ['a<script/>b', 'ab'],
    ['<!-- no --> yes <!-- never closed', 'yes'],
    ['<a title="a > b" href=\'x\'>link</a>', 'link'],
    ['<ul><li>one<li>two</ul>three<br>four', 'one\ntwo\n\nthree\nfour'],
    ['<table><tr><td>a</td><td>b</td></tr><tr><td>c', 'a b\nc'],
    ['caf&eacute; &#233; &#xE9; &Ouml;l &hellip; &unknown; &#xD800; &#99999999;', 'café é é Öl … &unknown; \ufffd \ufffd'],
    ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
    ['<svg><svg><text>x</text></svg>y</svg>z', 'z'],
    ['<nav><div>menu</div></nav>text', 'text'],
    ['', '']
  ]
  for (const [markup, text] of cases) assert.equal(htmlText(markup), text, markup)
})

test('HTML that is damaged on purpose takes no time', () => {
  for (const bad of ['<', '<!--', '<a ', '<a "', '&', '<script>', '&#', '<p>\n ', '<svg><svg/>']) {
    const started = performance.now()
    htmlText(bad.repeat(100_000))
    assert.ok(performance.now() - started < 2000, bad)
  }
})

test('a file of each kind', async () => {
  const documents = await collect(fromFiles([at('a.txt'), at('b.md'), at('c.html'), at('f.pdf')]))
  assert.deepEqual(documents.map(({ input }) => input), ['<p>a.txt', '<p>b.md', 'c.html', 'The first page.\n\nThe (second) one.'])
})

test('PDFs that have no text, or are none', async () => {
  await writeFile(at('empty.pdf'), pdfOf(['']))
  await writeFile(at('broken.pdf'), '%PDF-1.4\nnothing more')
  const documents = await collect(fromFiles([at('empty.pdf'), at('broken.pdf')]))
  assert.match(documents[0].error, /no text in it, only pictures/)
  assert.match(documents[1].error, /not a PDF that can be read/)
})

test('a folder stands for its documents, a pattern for what matches', async () => {
  const names = async (name) => (await collect(filesOf(at(name)))).map((file) => relative(folder, file))
  assert.deepEqual(await names('deep'), ['deep/d.txt', 'deep/er/e.txt'])
  assert.deepEqual(await names('*.{txt,md}'), ['a.txt', 'b.md'])
  assert.deepEqual(await names('**/*.txt'), ['a.txt', 'deep/d.txt', 'deep/er/e.txt'])
  assert.deepEqual(await names('deep/**/?.txt'), ['deep/d.txt', 'deep/er/e.txt'])
  assert.deepEqual(await names('[ab].*'), ['a.txt', 'b.md'])
  assert.deepEqual(await names('d*/i*'), ['deep/image.png'])
  await assert.rejects(names('*.doc'), /no file matches/)
  await assert.rejects(names('none/*.txt'), /no file matches/)
  await writeFile(at('[x].txt'), 'a name that looks like a pattern')
  assert.deepEqual(await names('[x].txt'), ['[x].txt'])
  const relativeOnes = await collect(filesOf('tests/js/helpers/*.js'))
  assert.ok(relativeOnes.includes('tests/js/helpers/pdf.js'))
})

test('patterns as expressions', () => {
  const matches = (pattern, path) => patternExpression(pattern).test(path)
  for (const [pattern, path, expected] of [
    ['*.txt', 'a.txt', true], ['*.txt', 'a/b.txt', false], ['**/*.txt', 'a/b/c.txt', true], ['a+b(1).txt', 'a+b(1).txt', true],
    ['[!a].txt', 'b.txt', true], ['[!a].txt', 'a.txt', false], ['{a,b{c,d}}.txt', 'bd.txt', true], ['{a', 'a', true], ['a}', 'a}', true],
    ['a,b', 'a,b', true], ['[', '[', true], ['?', '/', false], ['?', 'é', true]
  ]) assert.equal(matches(pattern, path), expected, `${pattern} ${path}`)
})

test('10,000 documents through --jsonl, on two threads: in order, in constant memory', { timeout: 120_000 }, async (t) => {
  const model = at('tiny.safetensors')
  await writeFile(model, tiny())
  // Told by the process itself, at its end.
  const hook = 'process.on("exit",()=>process.stderr.write(String(process.resourceUsage().maxRSS)))'
  const text = 'Words follow words. '.repeat(200)

  /** Peak memory in bytes, over `count` documents of 4 kB, of a process whose reader is in no hurry. */
  async function peak(count) {
    const child = spawn(process.execPath, [`--import=data:text/javascript,${encodeURIComponent(hook)}`, 'bin/linformer.js', 'classify', '-m', model, '--jsonl', '--overflow', 'truncate', '--threads', '2'])
    let stderr = ''
    let rest = ''
    let next = 0
    child.stderr.on('data', (part) => { stderr += part })
    child.stdout.on('data', (part) => {
      const lines = (rest + part).split('\n')
      rest = lines.pop()
      for (const line of lines) assert.equal(JSON.parse(line).id, next++)
    })
    const feed = async () => {
      for (let id = 0; id < count; id++) {
        if (!child.stdin.write(`${JSON.stringify({ id, text })}\n`)) await new Promise((resolve) => child.stdin.once('drain', resolve))
      }
      child.stdin.end()
    }
    await Promise.all([feed(), new Promise((resolve) => child.once('close', resolve))])
    assert.equal(next, count)
    return Number(stderr) * 1024
  }
  const [few, many] = [await peak(4000), await peak(10_000)]
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1)
  t.diagnostic(`peak ${mebibytes(few)} MiB for 4,000 documents, ${mebibytes(many)} MiB for 10,000`)
  assert.ok(many - few < 12 * 2 ** 20, 'the 24 MB of the other 6,000 leave no trace')
})
