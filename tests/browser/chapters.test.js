/** The explaining chapters of the demo page: each is touched, and says the truth about what it did. In Chromium, the main ones in Firefox and WebKitGTK too. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import axe from 'axe-core'
import { readSafetensors, tensorValues } from 'linformer-wasm'
import { STORED } from '../../web/chapters/measured.js'
import { PAPER } from '../../web/chapters/paper.js'
import { temporaryFolder } from './helpers/browsers.js'
import { chooseSample, press, textOf } from './helpers/page.js'
import { VISITORS } from './helpers/visitors.js'
import { place, withPage } from './helpers/visits.js'

/** @typedef {import('puppeteer-core').Page} Page */

const REVIEW = { query: '?sample=review' }

/** Chooses the length of the race. @param {Page} page @param {number} n */
const chooseLength = (page, n) => page.$eval(`.race-lengths input[value="${n}"]`, (input) => /** @type {HTMLElement} */ (input).click())

/** @param {Page} page */
const raced = (page) => page.waitForFunction(() => document.querySelector('#race')?.getAttribute('aria-disabled') === 'false')

test('speed on arrival: a stored measurement, marked as such, in race, charts and table', () => withPage(async (page) => {
  const n = 8192
  const [linformer, full] = ['linformer', 'full'].map((attention) => STORED.points.find((point) => point.n === n && point.attention === attention)?.milliseconds ?? NaN)
  assert.match(await textOf(page, '.race-status'), /^stored measurement/)
  const ratio = full / linformer
  assert.equal(await textOf(page, '.factor strong'), `${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)}×`)
  assert.match(await textOf(page, '.factor'), /faster at 8,192 tokens$/)
  const widths = await page.$$eval('.lane-bar', (bars) => bars.map((bar) => Number.parseFloat(/** @type {HTMLElement} */ (bar).style.width)))
  assert.ok(Math.abs(widths[0] - 100 / ratio) < 0.01 && widths[1] === 100, String(widths))
  assert.match(await textOf(page, '#chart-time figcaption'), new RegExp(`Stored measurement: .*${STORED.machine.split(',')[0]}`))
  assert.equal((await page.$$('#chart-time .series-stored circle')).length, 12)
  assert.match(await textOf(page, '#complexity-table caption'), /^stored measurement/)
  const cells = await page.$$eval('#complexity-table tbody tr:nth-child(5) > *', (row) => row.map((cell) => cell.textContent))
  assert.equal(cells[0], '8,192')
  assert.equal(cells[4], `${PAPER.get(n)?.[0][0]}×`)
  assert.equal(cells[8], `${PAPER.get(n)?.[0][1]}×`)
}, REVIEW))

test('a race at the length of the document: both run to the end, and the factor is of their times', () => withPage(async (page) => {
  const tokens = Number((await page.$eval('.race-lengths input', (input) => /** @type {HTMLInputElement} */ (input).value)))
  assert.ok(tokens > 800 && tokens < 2000, `${tokens} tokens in the sample`)
  assert.equal(await page.$eval('.race-lengths input', (input) => /** @type {HTMLInputElement} */ (input).checked), true)
  await press(page, '#race')
  assert.equal(await page.$eval('#measure', (button) => button.getAttribute('aria-disabled')), 'true')
  await raced(page)
  assert.match(await textOf(page, '.race-status'), /^Both have read [\d,]+ tokens.*measured just now, on this machine/)
  assert.match(await textOf(page, '.factor'), new RegExp(`^[\\d.]+× faster at ${tokens.toLocaleString('en')} tokens$`))
  const texts = await page.$$eval('.lane-time', (all) => all.map((each) => each.textContent))
  assert.ok(texts.every((text) => /^[\d.]+ m?s$/.test(text ?? '')), String(texts))
}, REVIEW))

test('a race that is stopped: the rest is extrapolated, and says so; one that is stopped at once has no outcome', () => withPage(async (page) => {
  await chooseLength(page, 32_768)
  await press(page, '#race')
  // The Linformer is done and the Transformer has a good way to go: stopped in the page, whose time is the race's. On a
  // slow machine it has stopped by itself by then.
  await page.waitForFunction(() => {
    const running = [...document.querySelectorAll('.lane')].map((lane) => lane.classList.contains('running'))
    const share = Number(/(\d+) % read/.exec(document.querySelector('.series-full .lane-time')?.textContent ?? '')?.[1])
    const enough = !running[0] && share >= 2
    if (enough) /** @type {HTMLElement} */ (document.querySelector('#race-stop')).click()
    return enough || /extrapolated/.test(document.querySelector('.race-status')?.textContent ?? '')
  })
  await raced(page)
  const [, share] = /^The Transformer was stopped after (\d+) % of its work\. The rest of its time is extrapolated/.exec(await textOf(page, '.race-status')) ?? []
  assert.ok(Number(share) >= 1 && Number(share) < 100, await textOf(page, '.race-status'))
  assert.match(await textOf(page, '.factor strong'), /^about [\d,.]+×$/)
  assert.match(await textOf(page, '.series-full .lane-time'), /^about [\d.]+ (s|min)$/)
  assert.ok(Number.parseFloat(await page.$eval('.series-full .lane-rest', (rest) => /** @type {HTMLElement} */ (rest).style.width)) > 0)
  await page.evaluate(() => {
    for (const button of ['#race', '#race-stop']) /** @type {HTMLElement} */ (document.querySelector(button)).click()
  })
  await raced(page)
  assert.match(await textOf(page, '.race-status'), /^Stopped before there was anything to compare/)
}))

test('lengths are measured one by one in place of the stored ones, and stop when told to', () => withPage(async (page) => {
  await press(page, '#measure')
  assert.equal(await page.$eval('#race', (button) => button.getAttribute('aria-disabled')), 'true')
  await page.waitForFunction(() => document.querySelectorAll('#complexity-table tbody tr:not(.stored)').length === 2)
  await press(page, '#measure-stop')
  await page.waitForFunction(() => /^Stopped/.test(document.querySelector('#measure-status')?.textContent ?? ''))
  assert.equal(await page.$eval('#race', (button) => button.getAttribute('aria-disabled')), 'false')
  const cells = await page.$$eval('#complexity-table tbody tr:first-child > *', (row) => row.map((cell) => cell.textContent))
  assert.match(cells.join('|'), /^512\|[\d.]+ m?s\|[\d.]+ m?s\|[\d.]+×\|1\.5×\|[\d.,]+ [KM]iB\|[\d.,]+ [KM]iB\|[\d.]+×\|1\.7×$/)
  assert.ok((await page.$$('#chart-time g:not(.series-stored) > circle')).length >= 4)
  assert.match(await textOf(page, '#complexity-table caption'), /stored measurement.*in full colour what was measured here/)
}))

/** Brings the chapter into view and waits until its matrix is drawn. @param {Page} page @param {string} words of the status */
async function drawn(page, words) {
  await page.$eval('#rank-body', (body) => body.scrollIntoView({ behavior: 'instant' }))
  await page.waitForFunction((words) => new RegExp(words).test(document.querySelector('#rank-body [role=status]')?.textContent ?? '') &&
    document.querySelector('#rank-body')?.getAttribute('aria-busy') === null, {}, words)
}

/** Numbers that the chapter on low rank says. @param {Page} page */
async function saysOfRank(page) {
  const [, off, k, share] = /^([\d.]+) % of what a token.*?\. (\d+) patterns? holds? ([\d.]+) %/.exec(await textOf(page, '.lost')) ?? []
  return { off: Number(off), k: Number(k), share: Number(share) }
}

/** @param {Page} page @param {string} selector @returns {Promise<number[]>} bytes of a canvas */
const pixels = (page, selector) => page.$eval(selector, (canvas) => {
  if (!(canvas instanceof HTMLCanvasElement)) throw new Error('no canvas')
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })
  copy?.drawImage(canvas, 0, 0)
  return [...copy?.getImageData(0, 0, canvas.width, canvas.height).data ?? []]
})

/** Sets a slider or a list as its user does. @param {Page} page @param {string} selector @param {string} value */
const set = (page, selector, value) => page.$eval(selector, (input, value) => {
  Object.assign(input, { value })
  for (const kind of ['input', 'change']) input.dispatchEvent(new Event(kind, { bubbles: true }))
}, value)

test('low rank: the matrix is drawn when it comes into view, rebuilt by the slider, read with the keyboard, and compared', () => withPage(async (page) => {
  await drawn(page, '^The first 128 tokens of your document')
  const first = await saysOfRank(page)
  assert.equal(first.k, 16)
  assert.ok(first.off > 0.1 && first.off < 10 && first.share > 60 && first.share < 100, JSON.stringify(first))
  const original = await pixels(page, '.original canvas')
  assert.equal(original.length, 4 * 128 * 128)
  assert.ok(new Set(original).size > 20, 'the picture has many colours')
  assert.notDeepEqual(await pixels(page, '.rebuilt canvas'), original)

  await set(page, '#rank', '128')
  await page.waitForFunction(() => /^128 patterns/.test(document.querySelector('.lost')?.textContent?.split('. ')[1] ?? ''))
  const whole = await saysOfRank(page)
  assert.ok(whole.share === 100 && whole.off < 1e-6, JSON.stringify(whole))
  assert.deepEqual(await pixels(page, '.rebuilt canvas'), original, 'all patterns are the matrix')
  assert.equal(new Set(await pixels(page, '.difference canvas')).size <= 4, true, 'no difference')

  await set(page, '#rank', '1')
  await page.waitForFunction(() => /1 pattern holds/.test(document.querySelector('.lost')?.textContent ?? ''))
  assert.ok((await saysOfRank(page)).off > first.off)

  await page.focus('.original canvas')
  const before = await textOf(page, '.rank .cell')
  for (const key of /** @type {const} */ (['Home', 'ArrowDown', 'ArrowDown', 'ArrowRight'])) await page.keyboard.press(key)
  assert.match(await textOf(page, '.rank .cell'), /^.+ \(token 3\) looks at .+ \(token 2\): [\d.]+ %, rebuilt −?[\d.]+ %$/)
  assert.notEqual(await textOf(page, '.rank .cell'), before)
  await page.$eval('.rank .words [data-token="40"]', (span) => /** @type {HTMLElement} */ (span).click())
  assert.match(await textOf(page, '.rank .cell'), /\(token 41\) looks at/)

  // A matrix without patterns needs more of them.
  await set(page, '#rank', '16')
  await page.waitForFunction(() => document.querySelectorAll('#chart-spectrum path.line').length === 3)
  for (const kind of ['untrained', 'shuffled']) {
    await set(page, '.rank-head select', kind)
    await drawn(page, '^The first 128')
    const other = await saysOfRank(page)
    assert.ok(other.k === 16 && other.share < first.share - 10 && other.off > first.off, `${kind}: ${JSON.stringify(other)}`)
  }

  // Another document, shorter than the matrix might be.
  await chooseSample(page, 'note')
  await drawn(page, '^The first (?!128 )\\d+ tokens of your document')
  const n = Number(/^The first (\d+)/.exec(await textOf(page, '#rank-body [role=status]'))?.[1])
  assert.ok(n > 50 && n < 128, `${n} tokens`)
  assert.equal(await page.$eval('#rank', (slider) => /** @type {HTMLInputElement} */ (slider).max), String(n))
  assert.equal(await page.$eval('.original canvas', (canvas) => /** @type {HTMLCanvasElement} */ (canvas).width), n)
  assert.equal((await page.$$('.rank .words span')).length, n)
}, REVIEW))

test('the fold: the E of the model\'s file, row by row, in the words of the document', () => withPage(async (page) => {
  await page.$eval('#fold-body', (body) => body.scrollIntoView({ behavior: 'instant' }))
  await page.waitForFunction(() => /learned numbers/.test(document.querySelector('#fold-body [role=status]')?.textContent ?? ''))
  assert.match(await textOf(page, '#fold-body [role=status]'), /^192 × 4,096 learned numbers, one for the keys and values of all layers/)
  const bytes = await readFile('models/sentiment.safetensors')
  const E = tensorValues(readSafetensors(bytes).tensors, 'attn.E')
  await page.focus('.fold-map canvas')
  await page.keyboard.press('Home')
  for (let row = 0; row < 2; row++) {
    const said = await textOf(page, '.fold .cell')
    assert.equal(/^Row (\d+) of 192 = ( − )?[\d.]+ ×/.exec(said)?.[1], String(row + 1), said)
    const tokens = (await page.$eval('.fold-map canvas', (canvas) => /** @type {HTMLCanvasElement} */ (canvas).width))
    const most = E.subarray(row * 4096, row * 4096 + tokens).reduce((top, value) => Math.max(top, Math.abs(value)), 0)
    assert.ok(said.includes(`${most.toFixed(2)} × `), `${said}: the largest is ${most}`)
    await page.keyboard.press('ArrowDown')
  }
  // A trunk without a head has an E and a tokenizer too.
  const trunk = await page.evaluate(async () => {
    const { Messenger } = await import(new URL('workers/messenger.js', document.baseURI).href)
    const { E, ...rest } = await new Messenger(new URL('workers/low-rank.js', document.baseURI)).call('fold', {
      file: new URL('models/general.safetensors', document.baseURI).href, text: 'The lease ends in May, the deposit is returned in June.', most: 8
    })
    return { ...rest, picture: rest.picture.length, numbers: E.length }
  })
  const { pieces, ...sizes } = trunk
  assert.equal(pieces.join(''), 'The lease ends in May, the deposit is returned in June.')
  const per = Math.ceil(pieces.length / 8)
  assert.deepEqual({ ...sizes, top: 0 }, { k: 96, nMax: 8192, numbers: 96 * pieces.length, per, columns: Math.ceil(pieces.length / per), picture: 96 * Math.ceil(pieces.length / per), top: 0 })
}, REVIEW))

test('sharing: pressed, the matrices merge, and are counted as the model\'s file has them', () => withPage(async (page) => {
  const figures = () => page.$$eval('.sharing-figures dd', (all) => all.map((each) => each.textContent))
  /** Distinct places of the boxes, so many matrices are seen. */
  const places = () => page.$$eval('.sharing-picture rect', (all) => new Set(all.map((box) => ['x', 'y', 'width', 'height'].map((name) => box.getAttribute(name)).join())).size)
  const weights = 192 * 4096
  for (const [matrices, average] of /** @type {[number, string][]} */ ([[32, 'not reported'], [8, '92.08 %'], [4, '92.03 %'], [1, '92.30 %'], [32, 'not reported']])) {
    assert.deepEqual((await figures()).filter((_, i) => i !== 2), [String(matrices), (matrices * weights).toLocaleString('en'), average])
    assert.equal(await places(), matrices)
    await press(page, '.sharing button')
  }
  await press(page, '.sharing input[value=key-value]')
  assert.equal(await places(), 4)
  assert.equal(await textOf(page, '.sharing label:has(small)'), 'Layerwisethis model')
}, REVIEW))

test('a digit: drawn, 784 pixels become tokens and are classified', () => withPage(async (page) => {
  const label = () => textOf(page, '.digit-label')
  const read = () => page.waitForFunction(() => /with probability [\d.> ]+ %, from 784 tokens/.test(document.querySelector('.digit-label')?.textContent ?? ''))
  await page.$eval('#digit-body', (body) => body.scrollIntoView({ behavior: 'instant', block: 'center' }))
  await read() // a digit is there when the chapter is
  assert.match(await label(), /^3/, 'the page writes a three, which is read as one')
  const shares = await page.$$eval('.digit-scores .share', (all) => all.map((each) => Number.parseFloat(each.textContent ?? '')))
  assert.ok(shares.length === 10 && Math.abs(shares.reduce((a, b) => a + b) - 100) < 1, String(shares))
  const three = await pixels(page, '.pixels canvas')
  assert.equal(three.length, 4 * 784)
  assert.equal((await pixels(page, '.line canvas')).join(), three.join(), 'the line is the square, row by row')

  await press(page, '.digit button')
  await page.waitForFunction(() => document.querySelector('.digit-label')?.textContent === 'Draw a digit.')
  assert.equal(new Set(await pixels(page, '.pixels canvas')).size <= 4, true, 'blank')

  await page.$eval('.digit-draw canvas', (canvas) => canvas.scrollIntoView({ behavior: 'instant', block: 'center' }))
  const box = await (await page.$('.digit-draw canvas'))?.boundingBox()
  assert.ok(box)
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.2)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.2, { steps: 5 })
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.8, { steps: 5 })
  await page.mouse.up()
  await page.waitForFunction(() => document.querySelector('.digit-label strong')?.textContent === '7') // it is read while it is drawn, too
  await read()
  const seven = await pixels(page, '.pixels canvas')
  assert.notDeepEqual(seven, three)
  assert.ok(new Set(await pixels(page, '.spoke canvas')).size > 10, 'which pixels spoke for it')
  await page.evaluate(axe.source)
  const problems = await page.evaluate(() => Reflect.get(globalThis, 'axe').run('#digit', { resultTypes: ['violations'] }))
  assert.deepEqual(problems.violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].failureSummary}`), [])
}))

test('axe finds nothing to mend in the chapters, light and dark', () => withPage(async (page) => {
  await drawn(page, '^The first 128')
  await page.evaluate(axe.source)
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }])
    const problems = await page.evaluate(() => Reflect.get(globalThis, 'axe').run('.chapter', { resultTypes: ['violations'] }))
    assert.deepEqual(problems.violations.map((/** @type {any} */ { id, nodes }) => `${scheme}: ${id}: ${nodes.map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`).join('; ')}`), [])
  }
}, REVIEW))

test('the chapters fit screens of 320 to 1280 pixels, 640 of them are 1280 at 200%; what is pressed is 44 pixels high where fingers press', () => withPage(async (page) => {
  for (const width of [320, 390, 640, 768, 1280]) {
    const touch = width < 1000
    await page.setViewport({ width, height: 800, hasTouch: touch, isMobile: touch })
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `scrolls sideways at ${width}`)
    if (!touch) continue
    const small = await page.$$eval('.chapter-figure :is(button, select, input, summary)', (all) => all.filter((each) => each.getClientRects().length > 0)
      .map((each) => ({ name: each.id || each.className || each.tagName, height: (each.closest('label') ?? each).getBoundingClientRect().height }))
      .filter(({ height }) => height < 43.9))
    assert.deepEqual(small, [], `at ${width}`)
  }
}))

// WebKitGTK runs this mathematics ten times slower than the others, so it draws the matrix alone.
for (const [name, all] of /** @type {const} */ ([['firefox', true], ['webkit', false]])) {
  test(`${name}: a matrix rebuilt${all ? ', an E, a race' : ''}`, { timeout: 400_000 }, async () => {
    const { folder, remove } = await temporaryFolder()
    const visitor = await VISITORS[name](folder)
    try {
      await visitor.open(`${place.origin}/?model=sentiment&sample=review`)
      const seen = await visitor.run(`
        const complaints = []
        for (const kind of ['error', 'unhandledrejection']) addEventListener(kind, (event) => complaints.push(String(event.message ?? event.reason)))
        const find = (selector) => document.querySelector(selector)
        const until = async (test) => { while (!test()) await new Promise((next) => setTimeout(next, 30)) }
        await until(() => find('#rank-body [role=status]') !== null)
        find('#rank-body').scrollIntoView({ behavior: 'instant' })
        await until(() => /^The first 128/.test(find('#rank-body [role=status]').textContent) && !find('#rank-body').hasAttribute('aria-busy'))
        find('#rank').value = '4'
        find('#rank').dispatchEvent(new Event('input'))
        await until(() => / 4 patterns hold/.test(find('.lost').textContent))
        if (args[0]) {
          await until(() => find('#status').textContent === 'Done.')
          find('#fold-body').scrollIntoView({ behavior: 'instant' })
          await until(() => /learned numbers/.test(find('#fold-body [role=status]').textContent))
          find('#race').click()
          await until(() => /measured just now/.test(find('.race-status').textContent))
        }
        return { complaints, lost: find('.lost').textContent, row: find('.fold .cell').textContent, factor: find('.factor').textContent }`, all)
      assert.deepEqual(seen.complaints, [])
      assert.match(seen.lost, /^[\d.]+ % of what a token looks at/)
      if (all) assert.match(seen.row, /^Row 49 of 192 = 0\.\d\d × /)
      assert.match(seen.factor, /^[\d.]+× faster at [\d,]+ tokens$/)
    } finally {
      await visitor.close()
      await remove()
    }
  })
}
