/** One's own documents and labels, in Chromium: taught from files, kept over a reload, many documents in a table, hostile names. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { chooseSample, drop, errorOf, idle, press, textOf } from './helpers/page.js'
import { place, withPage } from './helpers/visits.js'

/** Eight short texts for each of three labels. */
const TEXTS = {
  cooking: ['Chop the onions and fry them in butter.', 'Let the sauce simmer until it is thick.', 'Knead the dough and leave it to rise.', 'Season the soup with salt and pepper.',
    'Roast the chicken with garlic and lemon.', 'Whisk the eggs and fold in the sugar.', 'Boil the pasta and drain it well.', 'Grate the cheese over the baked potatoes.'],
  sport: ['The striker scored a late goal.', 'Their goalkeeper saved two penalties.', 'She won the marathon in record time.', 'The coach praised the defence after the match.',
    'The team lost in the semi-final.', 'He served eleven aces in the tennis final.', 'The referee showed a red card.', 'Fans filled the stadium for the derby.'],
  law: ['The court dismissed the appeal.', 'The plaintiff claims damages for breach of contract.', 'The defendant pleaded not guilty.', 'The judge granted an injunction.',
    'The statute of limitations has expired.', 'The lease terminates upon thirty days notice.', 'The jury found the witness credible.', 'The parties agreed to arbitration.']
}
/** @type {[string, string]} */
const FOURTH = ['Fry the garlic in butter, add the pasta and the cheese.', 'cooking']

const NOTE = { query: '?sample=note' }

/** Examples and reports: all that was asked for is done. @param {import('puppeteer-core').Page} page */
const taught = (page) => page.waitForSelector('.teach-body[aria-busy="false"]')

/** @param {import('puppeteer-core').Page} page @param {string} selector @param {...string} files */
async function upload(page, selector, ...files) {
  const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement> | null} */ (await page.$(selector))
  assert.notEqual(input, null, selector)
  await input?.uploadFile(...files)
}

/** The last file that the page saved. @param {import('puppeteer-core').Page} page */
const saved = (page) => page.evaluate(async () => {
  const blobs = /** @type {Blob[]} */ (Reflect.get(globalThis, 'saved'))
  return Array.from(new Uint8Array(await blobs[blobs.length - 1].arrayBuffer()))
})

/** @param {string} inside @param {Record<string, string | Uint8Array>} files @returns {Promise<string[]>} their paths */
async function filesOf(inside, files) {
  await mkdir(path.join(place.folder, inside), { recursive: true })
  return Promise.all(Object.entries(files).map(async ([name, content]) => {
    const file = path.join(place.folder, inside, name)
    await writeFile(file, content)
    return file
  }))
}

test('three labels are taught from files, a fourth file is classified, all is there after a reload, and the model opens as a file', () => withPage(async (page) => {
  await taught(page)
  for (const [label, texts] of Object.entries(TEXTS)) {
    await page.$eval('#new-label', (input, label) => { /** @type {HTMLInputElement} */ (input).value = label }, label)
    await press(page, '.new-label button')
    const files = await filesOf(label, Object.fromEntries(texts.map((text, i) => [`${i}.txt`, text])))
    await upload(page, `[data-label=${label}] input[type=file]`, ...files)
  }
  // Files that came while others were read have their turn.
  await page.waitForFunction(() => [...document.querySelectorAll('.label-card p')].every(({ textContent }) => textContent === '8 examples'))
  await taught(page)
  assert.deepEqual(await page.$$eval('.label-card p', (counts) => counts.map((count) => count.textContent)), ['8 examples', '8 examples', '8 examples'])
  await press(page, '#teach-start')
  await page.waitForSelector('.report')
  assert.match(await textOf(page, '.grade'), /^\d+ % of the examples were labelled right while they were held out \(95 % interval \d+ % to \d+ %\)$/)
  assert.equal((await page.$$('.confusion tbody tr')).length, 3)
  await page.waitForFunction(() => new URLSearchParams(location.search).get('model') === 'own')
  await idle(page)
  const answer = async (/** @type {string} */ text) => {
    await drop(page, 'fourth.txt', new TextEncoder().encode(text), 'text/plain')
    await page.waitForFunction((text) => document.querySelector('textarea')?.value === text, {}, text)
    await press(page, '#classify')
    await idle(page)
    return textOf(page, '#result .label')
  }
  assert.equal(await answer(FOURTH[0]), FOURTH[1])

  await page.select('.mend select', 'law')
  assert.equal(await textOf(page, '[data-label=law] p'), '9 examples', 'a correction is an example')
  await page.$eval('.examples', (details) => details.setAttribute('open', ''))
  await page.waitForSelector('.examples tbody tr')
  await press(page, '.examples tbody tr:last-child button')
  assert.equal(await textOf(page, '[data-label=law] p'), '8 examples')

  await press(page, '.use button')
  const head = Uint8Array.from(await saved(page))
  await taught(page)
  await page.waitForFunction(() => /^Kept in/.test(document.querySelector('.kept p')?.textContent ?? ''))
  await page.reload()
  await page.waitForSelector('.report')
  await idle(page)
  assert.deepEqual(await page.$$eval('.label-card p', (counts) => counts.map((count) => count.textContent)), ['8 examples', '8 examples', '8 examples'])
  assert.equal(await page.$eval('#model', (picker) => /** @type {HTMLSelectElement} */ (picker).value), 'own')
  assert.equal(await answer(`${FOURTH[0]} Serve it hot.`), FOURTH[1], 'by the labels of before')

  await drop(page, 'letters.safetensors', head, '')
  await page.waitForFunction(() => new URLSearchParams(location.search).get('model') === 'file my-labels')
  await idle(page)
  assert.equal(await textOf(page, '#result .label'), FOURTH[1])
  assert.match(await textOf(page, '.others'), /my-labels.*cooking/, 'both answer from one reading')

  await press(page, '.kept button')
  await page.waitForFunction(() => document.querySelectorAll('.label-card').length === 0)
  assert.deepEqual(await page.$$eval('#model optgroup', (groups) => groups.length), 0)
}, NOTE))

test('many files and a table: rows that sort, open with their reasons, say why they were refused, and are saved as CSV and JSON', () => withPage(async (page) => {
  const files = await filesOf('many', {
    'a.txt': 'A wonderful film, one of the best of the year. I loved every minute of it.',
    'b.txt': 'A terrible film, dull and far too long. I hated it.',
    'c.txt': Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xff),
    'd.csv': 'text,stars\r\n"=HYPERLINK(""x"") is a great, moving story",5\r\n"Awful, boring, badly acted",1\r\n,3\r\n'
  })
  await upload(page, '.documents-body input:not([webkitdirectory])', ...files)
  await page.waitForFunction(() => /^6 of 6 documents, 2 not readable/.test(document.querySelector('.documents-body [role=status]')?.textContent ?? ''))
  const cells = () => page.$$eval('.documents tbody tr', (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent ?? '')))
  const rows = await cells()
  assert.deepEqual(rows.map(([name, label]) => [name, label]).filter(([name]) => !/^c|line 4/.test(name)), [['a.txt', 'positive'], ['b.txt', 'negative'], ['d.csv, line 2', 'positive'], ['d.csv, line 3', 'negative']])
  assert.match(rows[2][1], /^c\.txt: it is a picture/)
  assert.match(rows[5][1], /no text/)

  await press(page, '.documents thead th:nth-child(3) button')
  const scores = (await cells()).map(([, , score]) => parseFloat(score)).filter((score) => !Number.isNaN(score))
  assert.deepEqual(scores, [...scores].sort((a, b) => a - b))

  await page.evaluate(() => [...document.querySelectorAll('.documents-body button')].find((button) => button.textContent === 'Save as CSV')?.dispatchEvent(new MouseEvent('click')))
  await page.waitForFunction(() => Reflect.get(globalThis, 'saved').length === 1)
  const csv = new TextDecoder().decode(Uint8Array.from(await saved(page)))
  assert.match(csv, /^id,label,score,typicality,doubt,tokens,windows,error\r\na\.txt,positive,0\.\d+,0\.\d+,,\d+,1,\r\n/)
  assert.equal(csv.trimEnd().split('\r\n').length, 7)

  await page.evaluate(() => [...document.querySelectorAll('.documents-body button')].find((button) => button.textContent === 'b.txt')?.dispatchEvent(new MouseEvent('click')))
  await page.waitForFunction(() => document.querySelector('#reader')?.textContent?.startsWith('A terrible film'))
  await idle(page)
  assert.equal(await textOf(page, '#result .label'), 'negative')
}, NOTE))

test('tables that are drawn anew leave the focus where it was', () => withPage(async (page) => {
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent)
  /** @param {string} selector @param {string} words of the element, or its name */
  const focus = (selector, words) => page.$$eval(selector, (elements, words) => {
    const found = /** @type {HTMLElement[]} */ (elements).find((element) => (element.getAttribute('aria-label') ?? element.textContent) === words)
    found?.focus()
    return found === document.activeElement
  }, words)

  // Documents: more of them come, and those that are there are sorted.
  const texts = { 'a.txt': 'A wonderful film.', 'b.txt': 'A terrible film, dull and far too long.', 'c.txt': 'A film about a dog.' }
  const [a, b, c] = await filesOf('focus', texts)
  const input = '.documents-body input:not([webkitdirectory])'
  const read = (/** @type {number} */ n) => page.waitForFunction((n) => document.querySelector('.documents-body [role=status]')?.textContent?.startsWith(`${n} of ${n} documents`), {}, n)
  await upload(page, input, a, b)
  await read(2)
  assert.ok(await focus('.documents tbody button', 'b.txt'))
  await upload(page, input, c)
  await read(3)
  assert.equal(await focused(), 'b.txt', 'after another document')
  const order = () => page.$$eval('.documents tbody th', (cells) => cells.map((cell) => cell.textContent))
  for (const names of [['c.txt', 'b.txt', 'a.txt'], ['a.txt', 'b.txt', 'c.txt']]) {
    await press(page, '.documents thead th:first-child button')
    assert.deepEqual(await order(), names)
    assert.equal(await focused(), 'b.txt', `sorted: ${names}`)
  }
  await page.focus('.documents thead th:nth-child(3) button')
  const heading = await focused()
  await page.keyboard.press('Enter')
  await page.waitForSelector('.documents thead th:nth-child(3)[aria-sort=ascending]')
  assert.equal(await focused(), heading, 'after sorting by the keyboard')

  // Examples: more of them come, and one goes.
  const [first, second] = await filesOf('focus', { 'first.csv': 'text,label\nOne apple,fruit\nTwo beets,root\nThree plums,fruit\n', 'second.csv': 'text,label\nFour carrots,root\n' })
  const rows = (/** @type {number} */ n) => page.waitForFunction((n) => document.querySelectorAll('.examples tbody tr').length === n, {}, n)
  await upload(page, '.teach-body input[accept*=csv]', first)
  await page.waitForSelector('.examples:not([hidden])')
  await page.$eval('.examples', (details) => details.setAttribute('open', ''))
  await rows(3)
  assert.ok(await focus('.examples select', 'Label of the example “Two beets”'))
  await upload(page, '.teach-body input[accept*=csv]', second)
  await rows(4)
  assert.equal(await focused(), 'Label of the example “Two beets”')
  assert.ok(await focus('.examples button', 'Remove the example “Two beets”'))
  await page.keyboard.press('Enter')
  await rows(3)
  assert.equal(await focused(), 'Remove the example “Three plums”', 'the next one')
}, NOTE))

test('a table of one column without a header keeps its first line', () => withPage(async (page) => {
  const [table] = await filesOf('plain', { 'lines.csv': 'I loved every minute of this wonderful film.\n"A terrible film, dull and far too long."\n' })
  await upload(page, '.documents-body input:not([webkitdirectory])', table)
  await page.waitForFunction(() => document.querySelector('.documents-body [role=status]')?.textContent?.startsWith('2 of 2 documents'))
  assert.deepEqual(await page.$$eval('.documents tbody tr', (rows) => rows.map((row) => [...row.children].slice(0, 2).map((cell) => cell.textContent))),
    [['lines.csv, line 1', 'positive'], ['lines.csv, line 2', 'negative']])
}, NOTE))

test('a passage is struck out: the document is read without it, and with it again', () => withPage(async (page) => {
  await chooseSample(page, 'review')
  await page.waitForFunction(() => document.querySelector('#status')?.textContent === 'Done.')
  await page.focus('#reader mark[tabindex="0"]')
  await page.keyboard.press('Delete')
  await page.waitForSelector('#comparison:not([hidden])')
  await idle(page)
  assert.match(await textOf(page, '#comparison'), /^Read again without 1 passageWholeWithout/)
  assert.equal((await page.$$('#reader mark.struck')).length, 1)
  const [whole, without] = await page.$$eval('#comparison tbody tr:first-child td', (cells) => cells.map((cell) => parseFloat(cell.textContent ?? '')))
  assert.ok(whole !== without, 'another result')
  await press(page, '#comparison button')
  assert.equal((await page.$$('#reader mark.struck')).length, 0)
  assert.equal(await page.$('#comparison:not([hidden])'), null)

  await press(page, '#removal')
  await page.waitForFunction(() => /were taken out, one at a time/.test(document.querySelector('.removals')?.textContent ?? ''))
  assert.equal((await page.$$('.removals .strongest li')).length, 5)

  await press(page, '#save-picture')
  await page.waitForFunction(() => Reflect.get(globalThis, 'saved').length === 1)
  assert.deepEqual((await saved(page)).slice(0, 4), [0x89, 0x50, 0x4e, 0x47], 'a PNG')

  await press(page, '#how-far .presets button')
  await page.waitForFunction(() => /^The first 400 words \(\d+ of \d+ tokens\): (positive|negative), /.test(document.querySelector('#how-far-answer')?.textContent ?? ''))
}, NOTE))

test('hostile labels, names and cells are shown as text, and are no formulas', () => withPage(async (page) => {
  const label = '<img src=x onerror=alert(1)>'
  const other = '=cmd()|\u202egnp'
  const rows = Object.values(TEXTS).flat().map((text, i) => `"${text}","${i % 2 === 0 ? label : other}"`)
  await drop(page, '=cmd().txt', new TextEncoder().encode('The <b>jury</b> found it credible.'), 'text/plain')
  await page.waitForFunction(() => document.querySelector('textarea')?.value.startsWith('The <b>'))
  const [table] = await filesOf('hostile', { 'rows.csv': `text,label\n${rows.join('\n')}\n` })
  await upload(page, '.teach-body input[accept*=csv]', table)
  await page.waitForFunction(() => document.querySelectorAll('.label-card').length === 2)
  await page.waitForSelector('#teach-start[aria-disabled=false]')
  await press(page, '#teach-start')
  await page.waitForSelector('.report')
  await page.waitForFunction(() => new URLSearchParams(location.search).get('model') === 'own')
  await idle(page)
  await page.$eval('.examples', (details) => details.setAttribute('open', ''))
  const files = await filesOf('hostile', { '=1+1.txt': 'The judge granted it.', '<svg onload=alert(1)>.txt': 'She scored.' })
  await upload(page, '.documents-body input:not([webkitdirectory])', ...files)
  await page.waitForFunction(() => /^2 of 2/.test(document.querySelector('.documents-body [role=status]')?.textContent ?? ''))
  assert.equal((await page.$$('main img, main [onload], main [onerror]')).length, 0)
  assert.ok((await page.$$eval('.report th', (cells) => cells.map((cell) => cell.textContent))).includes(label))
  await page.evaluate(() => [...document.querySelectorAll('.documents-body button')].find((button) => button.textContent === 'Save as CSV')?.dispatchEvent(new MouseEvent('click')))
  await page.waitForFunction(() => Reflect.get(globalThis, 'saved').length === 1)
  const lines = new TextDecoder().decode(Uint8Array.from(await saved(page))).split('\r\n')
  for (const line of lines) assert.doesNotMatch(line, /(^|,)"?[=+@-]/)
  assert.match(lines[1], /^'=1\+1\.txt,/)
}, NOTE))

test('labels of a table: words, numbers and truth values; several are told', () => withPage(async (page) => {
  const labels = [true, 3, 'caf\u00e9', 'cafe\u0301 ', ['one'], ['one', 'two'], { a: 1 }, null]
  const [table] = await filesOf('labels', { 'rows.jsonl': labels.map((label, i) => JSON.stringify({ text: `A text, number ${i}.`, label })).join('\n') })
  await upload(page, '.teach-body input[accept*=csv]', table)
  await page.waitForFunction(() => document.querySelectorAll('.label-card').length === 4)
  await page.waitForSelector('.teach-body .notice:not([hidden]) p:nth-child(3)')
  const cards = await page.$$eval('.label-card', (cards) => cards.map((card) => [card.querySelector('input')?.value, card.querySelector('p')?.textContent?.replace(/;.*/, '')]))
  assert.deepEqual(cards, [['true', '1 example'], ['3', '1 example'], ['caf\u00e9', '2 examples'], ['one', '1 example']])
  assert.deepEqual(await page.$$eval('.teach-body .notice:not([hidden]) p', (problems) => problems.map((problem) => problem.textContent)), [
    'rows.jsonl, line 6: it has 2 labels, and an example here has one.', 'rows.jsonl, line 7: its label is no text.', 'rows.jsonl, line 8: it has no label.'
  ])
}))

test('what is no model, and a trunk without labels, are refused in words', () => withPage(async (page) => {
  await drop(page, 'bad.safetensors', new TextEncoder().encode('no model at all'), '')
  assert.match(await errorOf(page), /not a model file|came only in part/)
}, NOTE))
