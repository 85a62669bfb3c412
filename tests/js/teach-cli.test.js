/**
 * linformer teach and linformer evaluate.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { examplesOf } from '../../bin/examples.js'
import { randomModel } from './helpers/random-model.js'

const BIN = new URL('../../bin/linformer.js', import.meta.url).pathname
const WORDS = { bills: ['invoice', 'price', 'refund', 'charged'], parcels: ['courier', 'doorstep', 'tracking', 'van'] }
let folder = ''

const path = (/** @type {string} */ name) => join(folder, name)
const linformer = (/** @type {string[]} */ ...args) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}
const letter = (/** @type {string[]} */ words, /** @type {number} */ i) => `Letter ${i}: the ${words[i % 4]}; and\nthe "${words[(i + 1) % 4]}", not the ${words[(i + 2) % 4]}`
const columns = { text: 'text', label: 'label' }
/** @param {string} name @param {object} [more] */
const readAll = async (name, more = {}) => {
  const found = []
  for await (const example of examplesOf(path(name), { ...columns, ...more })) found.push(example)
  return found
}
const csvOf = (/** @type {string} */ delimiter) => ['Text', 'LABEL'].join(delimiter) + '\r\n' +
  Object.entries(WORDS).flatMap(([label, words]) => [0, 1, 2, 3, 4, 5].map((i) => `"${letter(words, i).replaceAll('"', '""')}"${delimiter}${label}\r\n`)).join('')

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'teach-'))
  writeFileSync(path('trunk.safetensors'), randomModel({ n_max: 128 }))
  for (const [label, words] of Object.entries(WORDS)) {
    mkdirSync(path(`letters/${label}`), { recursive: true })
    for (let i = 0; i < 8; i++) writeFileSync(path(`letters/${label}/${i}.${i % 2 ? 'txt' : 'html'}`), i % 2 ? letter(words, i) : `<p>${letter(words, i)}</p>`)
  }
})
after(() => rmSync(folder, { recursive: true }))

test('a folder for each label becomes a head, which classifies and is evaluated', () => {
  const taught = linformer('teach', path('letters'), '--model', path('trunk.safetensors'), '--out', path('head.safetensors'), '--json')
  assert.equal(taught.status, 0, taught.stderr)
  const report = JSON.parse(taught.stdout)
  assert.equal(report.examples, 16)
  assert.equal(report.fileBytes, readFileSync(path('head.safetensors')).length)
  const model = ['--model', path('head.safetensors'), '--trunk', path('trunk.safetensors')]
  writeFileSync(path('new.txt'), 'where is the courier with the van')
  const answer = linformer('classify', ...model, '--json', path('new.txt'))
  assert.equal(JSON.parse(answer.stdout).label, 'parcels', answer.stderr)
  const evaluated = linformer('evaluate', ...model, '--json', '--at-least', '0.9', path('letters'))
  assert.equal(evaluated.status, 0, evaluated.stderr)
  const figures = JSON.parse(evaluated.stdout)
  assert.deepEqual([figures.accuracy.value, figures.macroF1, figures.confusion], [1, 1, [[8, 0], [0, 8]]])
})

test('--complete needs no trunk; mistakes are told with a passage, and --at-least decides the exit status', () => {
  const taught = linformer('teach', path('letters'), '-m', path('trunk.safetensors'), '-o', path('complete.safetensors'), '--complete')
  assert.equal(taught.status, 0, taught.stderr)
  assert.match(taught.stdout, /^16 examples, 2 labels, held out in 5 parts:\n {2}right/)
  writeFileSync(path('wrong.jsonl'), ['{"text":"refund the price of the invoice","label":"parcels"}', '{"text":"the courier","label":"parcels"}'].join('\n'))
  const evaluated = linformer('evaluate', '-m', path('complete.safetensors'), path('wrong.jsonl'), '--at-least', '0.9')
  assert.equal(evaluated.status, 1)
  assert.match(evaluated.stdout, /wrong\.jsonl, line 1: parcels, taken for bills \(.*\)\n {4}refund the price/)
  assert.match(evaluated.stderr, /50\.0% are right; --at-least asks for 90\.0%/)
})

test('commas, semicolons and tabs; headers in any case; quoted fields; UTF-16 and Windows-1252: the same rows', async () => {
  writeFileSync(path('a.csv'), csvOf(','))
  const expected = (await readAll('a.csv')).map(({ text, label }) => ({ text, label }))
  assert.equal(expected.length, 12)
  assert.equal(expected[0].text, letter(WORDS.bills, 0))
  for (const delimiter of [';', '\t']) {
    writeFileSync(path('b.csv'), csvOf(delimiter))
    assert.deepEqual((await readAll('b.csv')).map(({ text, label }) => ({ text, label })), expected, JSON.stringify(delimiter))
  }
  writeFileSync(path('c.csv'), Buffer.from(`\ufeff${csvOf(';')}`, 'utf16le'))
  assert.deepEqual((await readAll('c.csv')).map(({ text, label }) => ({ text, label })), expected)
  writeFileSync(path('d.csv'), Buffer.from('text,label\ncaf\xe9 \x80,x\n', 'latin1'))
  assert.equal((await readAll('d.csv', { encoding: 'windows-1252' }))[0].text, 'café €')
  writeFileSync(path('e.csv'), `text,label\n"${'long '.repeat(200_000)}",x\n`)
  assert.equal((await readAll('e.csv'))[0].text?.length, 1_000_000)
})

test('bad rows are told with their lines, and the others are used', async () => {
  writeFileSync(path('bad.csv'), 'text,label\n"two\nlines",x\nonly\n,x\nfine,y\n')
  assert.deepEqual((await readAll('bad.csv')).map(({ id, label, error }) => [id.replace(/.*, /, ''), label, error && String(error)]), [
    ['line 2', 'x', undefined], ['line 4', undefined, 'Error: it has 1 fields, the header 2'],
    ['line 5', undefined, 'Error: it has no "text"'], ['line 6', 'y', undefined]
  ])
  writeFileSync(path('bad.jsonl'), '{"text":"a","label":"x"}\nnonsense\n\n{"text":1}\n')
  assert.deepEqual((await readAll('bad.jsonl')).map(({ id, error }) => [id.replace(/.*, /, ''), error !== undefined]), [['line 1', false], ['line 2', true], ['line 4', true]])
})

test('what cannot be done is told in words', () => {
  const model = ['--model', path('trunk.safetensors'), '--out', path('x.safetensors')]
  const tells = (/** @type {string[]} */ args, /** @type {number} */ status, /** @type {RegExp} */ message) => {
    const told = linformer(...args)
    assert.match(told.stderr, message)
    assert.doesNotMatch(told.stderr, /\n {4}at /)
    assert.equal(told.status, status)
  }
  tells(['teach', path('letters'), '--model', 'imdb'], 2, /--out is missing/)
  tells(['teach', ...model], 2, /one EXAMPLES, not 0/)
  tells(['teach', path('none'), ...model], 1, /there is no such file/)
  tells(['teach', path('letters/bills'), ...model], 1, /in no folder that would be its label[^]*too little to learn from/)
  writeFileSync(path('other.csv'), 'body,kind\na,b\n')
  tells(['teach', path('other.csv'), ...model], 1, /no column "text"; its header is "body", "kind"/)
  tells(['evaluate', path('letters')], 2, /--model is missing/)
  tells(['evaluate', '--model', path('trunk.safetensors'), '--at-least', '2', path('letters')], 2, /a share from 0 to 1/)
})
