/** The page's reader of documents: the same texts as the command line's, and the words that the browser's own parser finds. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { readDocument } from 'linformer-wasm/documents'
import { launch, serve, temporaryFolder } from './helpers/browsers.js'

const FILES = new URL('../documents/files/', import.meta.url)
const PAGES = 80

/** @type {import('puppeteer-core').Page} */
let page
/** @type {(() => unknown)[]} */
const cleanup = []

before(async () => {
  const server = await serve()
  const { folder, remove } = await temporaryFolder()
  const browser = await launch('chromium', path.join(folder, 'profile'))
  cleanup.push(server.close, remove, () => browser.close())
  page = await browser.newPage()
  await page.goto(`${server.origin}/samples/note.txt`)
})

after(async () => {
  for (const undo of cleanup.reverse()) await undo()
})

/**
 * What the page's worker says of documents, one after another.
 *
 * @param {{ name: string, base64: string }[]} documents
 * @returns {Promise<{ text?: string, notes?: string[], problem?: string }[]>}
 */
const readInPage = (documents) => page.evaluate(async (documents) => {
  const messenger = '/workers/messenger.js' // named where the page is, not here
  const { Messenger } = await import(messenger)
  const worker = new Messenger(new URL('/reader/document-worker.js', location.href))
  const answers = []
  for (const { name, base64 } of documents) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
    answers.push(await worker.call('read', { bytes: bytes.buffer, name }).catch((/** @type {Error} */ { message }) => ({ problem: message })))
  }
  worker.close()
  return answers
}, documents)

test('every kind of file: the text that the command line reads, or its words', async () => {
  const names = (await readdir(FILES)).sort()
  const files = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(new URL(name, FILES)) })))
  const answers = await readInPage(files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') })))
  for (const [i, { name, bytes }] of files.entries()) {
    const expected = await readDocument(bytes, { name }).then(({ text, notes }) => ({ text, notes, problem: undefined }), ({ message }) => ({ text: undefined, notes: undefined, problem: message }))
    const { text, notes, problem } = answers[i]
    assert.deepEqual({ text, notes, problem }, expected, name)
  }
})

/** Pages as people, editors and minifiers write them, wrongly too; the same ones each time. @returns {string[]} */
function pages() {
  let seed = 11
  const below = (/** @type {number} */ n) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % 65536 % n
  let number = 0
  const word = () => ['plain', 'caf&eacute;', 'a&amp;b', '1 < 2', 'x&#146;s', '&notit;', '&ldquo;q&rdquo', 'naïve', '&#x2014;', '中文', '&copy2026', 'a&nbsp;b'][below(12)] + number++
  const words = () => Array.from({ length: 1 + below(5) }, word).join(' ')
  const pieces = [
    () => `<p>${words()}`, () => `<p class=a>${words()}</p>`, () => `<div id="x"title='a>b'>${words()}</div>`, () => `<ul><li>${words()}<li>${words()}</ul>`, () => `<b>${words()}<i>${words()}</b>${words()}</i>`,
    () => `<table><tr><td>${words()}<td>${words()}<tr>${words()}<td>${words()}</table>`, () => `<script>if(a<b){document.write("<p>no</p>")}</script>${words()}`, () => `<style>p>a{}</style>${words()}`, () => `<!-- no <p> -->${words()}`,
    () => `<select><option>no<option>no</select>${words()}`, () => `<svg><title>no</title><text>no</text></svg>${words()}`, () => `<pre>\n${words()}\n  ${words()}</pre>`, () => `<textarea>no <p></textarea>${words()}`, () => `<template><p>no</template>${words()}`,
    () => `<h1>${words()}</h2>${words()}`, () => `<a href=x>${words()}<a href=y>${words()}</a>`, () => `<p>${words()}<table><caption>${words()}</caption><tr><th>${words()}</table>`, () => `<dl><dt>${words()}<dd>${words()}</dl>`, () => `</p></div>${words()}</body>${words()}`,
    () => `<math><mi>${words()}</mi></math>`, () => `<button>${words()}<p>${words()}</button>`, () => `<div style=display:none>no</div><span hidden>no</span>${words()}`, () => `<![CDATA[no]]>${words()}`, () => `<iframe><p>no</iframe><object>no</object>${words()}`, () => `<nobr>${words()}<nobr>${words()}`
  ]
  const heads = ['<!doctype html><title>no</title>', '<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>no</title><link rel=stylesheet href=s.css><body>', '<html><head><script>var a="</p>"</script></head>', '', '<!doctype html><meta name=x><body class=y>']
  return Array.from({ length: PAGES }, () => heads[below(heads.length)] + Array.from({ length: 3 + below(12) }, () => pieces[below(pieces.length)]()).join(below(3) === 0 ? '\n' : ''))
}

test(`${PAGES} pages: the words that the browser's own parser finds, in its order`, async () => {
  const documents = pages()
  const answers = await readInPage(documents.map((markup) => ({ name: 'a.html', base64: Buffer.from(markup).toString('base64') })))
  const found = await page.evaluate((documents) => documents.map((markup) => {
    const { body } = new DOMParser().parseFromString(markup, 'text/html')
    for (const element of body.querySelectorAll('script, style, select, svg, textarea, template, iframe, object, [hidden], [style]')) element.remove()
    return (body.textContent ?? '').replace(/\s+/g, '')
  }), documents)
  for (const [i, markup] of documents.entries()) assert.equal(answers[i].text?.replace(/\s+/g, ''), found[i], markup)
})
