/**
 * linformer teach and linformer evaluate.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { examplesOf } from '../../bin/examples.js'
import { timeLeft } from '../../bin/terminal.js'
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
/** @param {string} name @param {object} [more] */
const readAll = async (name, more = {}) => {
  const found = []
  for await (const example of examplesOf(path(name), more)) found.push(example)
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
  assert.deepEqual([figures.accuracy.value, figures.macroF1.value, figures.confusion], [1, 1, [[8, 0], [0, 8]]])
})

test('--complete needs no trunk; mistakes are told with a passage, and --at-least decides the exit status', () => {
  const taught = linformer('teach', path('letters'), '-m', path('trunk.safetensors'), '-o', path('complete.safetensors'), '--complete')
  assert.equal(taught.status, 0, taught.stderr)
  assert.match(taught.stdout, /^16 examples, 2 labels, held out in 5 parts:\n {2}right/)
  writeFileSync(path('wrong.jsonl'), ['{"text":"refund the price of the invoice","label":"parcels"}', '{"text":"the courier left it on the doorstep, the van is gone","label":"parcels"}'].join('\n'))
  const evaluated = linformer('evaluate', '-m', path('complete.safetensors'), path('wrong.jsonl'), '--at-least', '0.9')
  assert.equal(evaluated.status, 1)
  assert.match(evaluated.stdout, /wrong\.jsonl, line 1: parcels, taken for bills \(.*\)\n {4}refund the price/)
  assert.match(evaluated.stderr, /50\.0% are right; --at-least asks for 90\.0%/)
})

test('near-duplicates with different labels are told', () => {
  const note = 'I found the parcel on the doorstep in the rain this morning, and the neighbours have seen nobody.'
  const notes = { bills: ['invoice', 'refund'], parcels: ['courier'] }
  const rows = Object.entries(WORDS).flatMap(([label, words]) => {
    const texts = [...notes[label].map((word) => note.replace('parcel', word)), ...words.map((word) => `${word}, ${word} and ${word}`)]
    return texts.map((text) => ({ text, label }))
  })
  writeFileSync(path('near.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
  const taught = linformer('teach', path('near.jsonl'), '-m', path('trunk.safetensors'), '-o', path('near.safetensors'))
  assert.equal(taught.status, 0, taught.stderr)
  // Those two that are named have different labels: line 2 has the label of line 1.
  assert.match(taught.stdout, /\n3 examples are nearly the same text as one with another label, such as \S*near\.jsonl, line 1 and \S*near\.jsonl, line 7\n/)
})

test('commas, semicolons and tabs; headers in any case; quoted fields; UTF-16 and Windows-1252: the same rows', async () => {
  writeFileSync(path('a.csv'), csvOf(','))
  const expected = (await readAll('a.csv')).map(({ text, labels }) => ({ text, labels }))
  assert.equal(expected.length, 12)
  assert.equal(expected[0].text, letter(WORDS.bills, 0))
  for (const delimiter of [';', '\t']) {
    writeFileSync(path('b.csv'), csvOf(delimiter))
    assert.deepEqual((await readAll('b.csv')).map(({ text, labels }) => ({ text, labels })), expected, JSON.stringify(delimiter))
  }
  writeFileSync(path('c.csv'), Buffer.from(`\ufeff${csvOf(';')}`, 'utf16le'))
  assert.deepEqual((await readAll('c.csv')).map(({ text, labels }) => ({ text, labels })), expected)
  writeFileSync(path('b.csv.gz'), gzipSync(csvOf(';')))
  assert.deepEqual((await readAll('b.csv.gz')).map(({ text, labels }) => ({ text, labels })), expected)
  writeFileSync(path('d.csv'), Buffer.from('text,label\ncaf\xe9 \x80,x\n', 'latin1'))
  assert.equal((await readAll('d.csv', { encoding: 'windows-1252' }))[0].text, 'café €')
  writeFileSync(path('e.csv'), `text,label\n"${'long '.repeat(200_000)}",x\n`)
  assert.equal((await readAll('e.csv'))[0].text?.length, 1_000_000)
})

test('a short table of two columns, with a row that has one', async () => {
  for (const delimiter of [',', ';', '\t']) {
    writeFileSync(path('short.csv'), `text${delimiter}label\n"rent, due; now"${delimiter}x\nonly\n`)
    const [first, second] = await readAll('short.csv')
    assert.deepEqual([first.text, first.labels, String(second.error)], ['rent, due; now', ['x'], 'Error: it has 1 field, the header 2'], JSON.stringify(delimiter))
  }
})

test('pairs: what is in textPair is learned, and evaluated', async () => {
  const rows = Object.entries(WORDS).flatMap(([label, words]) => [0, 1, 2, 3, 4, 5, 6, 7].map((i) => ({ text: `Letter ${i}`, textPair: letter(words, i), label })))
  writeFileSync(path('pairs.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
  writeFileSync(path('pairs.csv'), `label,TextPair,text\n${rows.map(({ text, textPair, label }) => `${label},"${textPair.replaceAll('"', '""')}",${text}\n`).join('')}`)
  const texts = (/** @type {{ text?: string, textPair?: string, labels?: string[] }[]} */ examples) => examples.map(({ text, textPair, labels }) => ({ text, textPair, label: labels?.[0] }))
  for (const name of ['pairs.jsonl', 'pairs.csv']) assert.deepEqual(texts(await readAll(name)), rows)
  const trunk = ['--trunk', path('trunk.safetensors')]
  assert.equal(linformer('teach', path('pairs.jsonl'), '-m', path('trunk.safetensors'), '-o', path('pairs.safetensors')).status, 0)
  const evaluated = linformer('evaluate', '-m', path('pairs.safetensors'), ...trunk, '--json', path('pairs.csv'))
  assert.equal(JSON.parse(evaluated.stdout).accuracy.value, 1)
  writeFileSync(path('pairs.jsonl'), '{"text": "a", "textPair": 3, "label": "x"}\n{"text": "a", "textPair": null, "label": "x"}')
  const [bad, none] = await readAll('pairs.jsonl')
  assert.match(String(bad.error), /its "textPair" is not a string/)
  assert.deepEqual([none.text, none.textPair], ['a', undefined])
})

test('a head that is no better than guessing is told so', () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ text: `${Math.sin(i)} ${Math.cos(i)}`, label: i % 4 === 0 ? 'b' : 'a' }))
  writeFileSync(path('noise.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
  const taught = linformer('teach', path('noise.jsonl'), '-m', path('trunk.safetensors'), '-o', path('noise.safetensors'))
  assert.match(taught.stdout, / {2}no better than always saying a: 75\.0% right\n/)
  // Of one label alone there is nothing to choose from.
  writeFileSync(path('one.jsonl'), rows.filter(({ label }) => label === 'a').map((row) => JSON.stringify(row)).join('\n'))
  const one = linformer('evaluate', '-m', path('noise.safetensors'), '--trunk', path('trunk.safetensors'), path('one.jsonl'))
  assert.match(one.stdout, /right /)
  assert.doesNotMatch(one.stdout, /no better/)
  assert.doesNotMatch(linformer('teach', path('letters'), '-m', path('trunk.safetensors'), '-o', path('letters.safetensors')).stdout, /no better/)
})

test('a table among the folders is told how it would be read', async () => {
  mkdirSync(path('tables/a'), { recursive: true })
  writeFileSync(path('tables/a/rows.csv'), csvOf(','))
  assert.match(String((await readAll('tables'))[0].error), /it is a table; to use its rows as examples, give its path in place of the folder's$/)
})

test('bad rows are told with their lines, and the others are used', async () => {
  writeFileSync(path('bad.csv'), 'text,label\n"two\nlines",x\nonly\n,x\nfine,y\n"open,z\nmore,z\n')
  assert.deepEqual((await readAll('bad.csv')).map(({ id, labels, error }) => [id.replace(/.*, /, ''), labels?.[0], error && String(error)]), [
    ['line 2', 'x', undefined], ['line 4', undefined, 'Error: it has 1 field, the header 2'],
    ['line 5', undefined, 'Error: it has no "text"'], ['line 6', 'y', undefined],
    ['line 7', undefined, 'Error: a quote in it is never closed, so that all that follows belongs to it']
  ])
  writeFileSync(path('quotes.csv'), 'text,label\n"a" b,x\n"c",y\n,\nd,z\n')
  assert.deepEqual((await readAll('quotes.csv')).map(({ id, labels, error }) => [id.replace(/.*, /, ''), labels?.[0], error && String(error)]), [
    ['line 2', undefined, 'Error: there is text after a closing quote, so that lines 2 to 3 are one row'], ['line 5', 'z', undefined]
  ])
  // A bad byte is one row's; a table in another encoding is refused as a whole.
  const bytes = Buffer.from(`text,label\n${'a long row,x\n'.repeat(20)}caf\xe9,y\n"a"b,z\n`, 'latin1')
  writeFileSync(path('byte.csv'), bytes)
  writeFileSync(path('byte.csv.gz'), gzipSync(bytes))
  for (const name of ['byte.csv', 'byte.csv.gz']) {
    assert.deepEqual((await readAll(name)).slice(19).map(({ id, error }) => [id.replace(/.*, /, ''), error && String(error)]), [
      ['line 21', undefined], ['line 22', 'Error: it has characters that cannot be decoded'], ['line 23', 'Error: there is text after a closing quote']
    ])
  }
  writeFileSync(path('byte.csv'), Buffer.from('text,label\ncaf\xe9,y\n', 'latin1'))
  await assert.rejects(readAll('byte.csv'), /it is not UTF-8 \(byte 15\); save it as UTF-8, or name its encoding/)
  writeFileSync(path('bad.jsonl'), '{"text":"a","label":"x"}\nnonsense\n\n{"text":1}\n')
  assert.deepEqual((await readAll('bad.jsonl')).map(({ id, error }) => [id.replace(/.*, /, ''), error !== undefined]), [['line 1', false], ['line 2', true], ['line 4', true]])
})

test('the letters of examples/: the shipped trunk learns four desks from eight of each', () => {
  const letters = (/** @type {string} */ name) => new URL(`../../examples/${name}`, import.meta.url).pathname
  const taught = linformer('teach', letters('letters'), '-o', path('letters.safetensors'), '--json')
  assert.equal(taught.status, 0, taught.stderr)
  const report = JSON.parse(taught.stdout)
  assert.deepEqual(report.perLabel.map((/** @type {{ label: string, examples: number }} */ { label, examples }) => [label, examples]), [['moving', 8], ['neighbours', 8], ['rent', 8], ['repairs', 8]])
  const evaluated = linformer('evaluate', '-m', path('letters.safetensors'), letters('new-letters'), '--json')
  assert.equal(evaluated.status, 0, evaluated.stderr)
  const { examples, accuracy } = JSON.parse(evaluated.stdout)
  assert.equal(examples, 12)
  assert.ok(accuracy.value >= 0.75, evaluated.stdout) // by chance it would be 0.25
})

test('many labels: fields with several, lists in JSONL, a file in several folders', async () => {
  const rows = Object.entries(WORDS).flatMap(([label, words]) => [0, 1, 2, 3, 4, 5].map((i) => ({ text: letter(words, i).replaceAll('"', ''), labels: [label] })))
  const both = [0, 1, 2, 3].map((i) => ({ text: `${letter(WORDS.bills, i)} ${letter(WORDS.parcels, i)}`.replaceAll('"', ''), labels: ['bills', 'parcels'] }))
  const none = [{ text: 'Kind regards, and thank you', labels: [] }, { text: 'Good morning to all of you', labels: [] }]
  const all = [...rows, ...both, ...none]
  writeFileSync(path('many.jsonl'), all.map((row) => JSON.stringify(row)).join('\n'))
  writeFileSync(path('many.csv'), `text,labels\n${all.map(({ text, labels }) => `"${text}",${labels.join('; ')}\n`).join('')}`)
  const read = (/** @type {import('../../bin/examples.js').Example[]} */ found) => found.map(({ text, labels }) => ({ text, labels }))
  assert.deepEqual(read(await readAll('many.jsonl')), all)
  assert.deepEqual(read(await readAll('many.csv', { separator: ';' })), all)
  assert.deepEqual((await readAll('many.csv')).slice(-2).map(({ error }) => String(error)), new Array(2).fill('Error: it has no "labels"'))

  for (const name of ['bills', 'parcels']) mkdirSync(path(`many/${name}`), { recursive: true })
  for (const [i, { text, labels }] of all.entries()) for (const label of labels.length > 0 ? labels : ['.']) writeFileSync(path(`many/${label}/${i}`), text)
  const inFolders = await readAll('many', { separator: '|' })
  assert.deepEqual(new Set(inFolders.map(({ text, labels }) => `${labels} ${text}`)), new Set(all.map(({ text, labels }) => `${labels} ${text}`)))
  assert.equal(inFolders.length, all.length)
  assert.equal(inFolders.at(-1)?.share, 1)

  const taught = linformer('teach', path('many.csv'), '--many', '--separator', ';', '-m', path('trunk.safetensors'), '-o', path('many.safetensors'), '--complete')
  assert.equal(taught.status, 0, taught.stderr)
  assert.match(taught.stdout, /^18 examples, 2 labels[^]*\n {2}all labels right [^]*\n {2}micro F1 [^]*\n {2}mean average precision /)
  const evaluated = linformer('evaluate', '-m', path('many.safetensors'), path('many.jsonl'), '--json')
  assert.equal(evaluated.status, 0, evaluated.stderr)
  const { examples, confusion, microF1, meanAveragePrecision, perLabel } = JSON.parse(evaluated.stdout)
  assert.deepEqual([examples, confusion, perLabel.map((/** @type {{ examples: number }} */ label) => label.examples)], [18, undefined, [10, 10]])
  assert.ok(microF1.value > 0.9 && meanAveragePrecision > 0.9, evaluated.stdout)
})

test('a label without examples is left out of macro F1, and told; an unknown label is left out of all', () => {
  const model = ['-m', path('head.safetensors'), '--trunk', path('trunk.safetensors')]
  writeFileSync(path('one.jsonl'), '{"text":"refund the price of the invoice","label":"bills"}\n{"text":"a van","label":"vans"}')
  const told = linformer('evaluate', ...model, path('one.jsonl'))
  assert.match(told.stdout, /^1 example\n.*\n {2}macro F1 +100\.0% \(.*\), without the label that has no examples\n/)
  assert.match(told.stderr, /line 2: the classifier has no label "vans"; it has "[^;]*"; it is left out/)
  assert.equal(told.status, 1)
})

test('the file is written whole or not at all', () => {
  const trunk = readFileSync(path('trunk.safetensors'))
  writeFileSync(path('kept.safetensors'), trunk)
  const failed = linformer('teach', path('letters/bills'), '-m', path('trunk.safetensors'), '-o', path('kept.safetensors'))
  assert.match(failed.stderr, /too little to learn from/)
  assert.equal(failed.status, 1)
  assert.deepEqual(readFileSync(path('kept.safetensors')), trunk)
  const early = linformer('teach', path('letters'), '-m', path('trunk.safetensors'), '-o', path('none/x.safetensors'))
  assert.match(early.stderr, /cannot be written: there is no folder/)
  assert.deepEqual(readdirSync(folder).filter((name) => name.includes('.part')), [])
})

test('neither examples nor the trunk are overwritten', () => {
  writeFileSync(path('own.csv'), csvOf(','))
  const trunk = readFileSync(path('trunk.safetensors'))
  const onExamples = linformer('teach', path('own.csv'), '-m', path('trunk.safetensors'), '-o', path('own.csv'))
  assert.match(onExamples.stderr, /own\.csv cannot be written: the file that is there is not a model, and is not replaced/)
  const onTrunk = linformer('teach', path('own.csv'), '-m', path('trunk.safetensors'), '-o', path('letters/../trunk.safetensors'))
  assert.match(onTrunk.stderr, /cannot be written: it is the model that is taught/)
  assert.deepEqual([onExamples.status, onTrunk.status], [1, 1])
  assert.equal(readFileSync(path('own.csv'), 'utf8'), csvOf(','))
  assert.deepEqual(readFileSync(path('trunk.safetensors')), trunk)
  writeFileSync(path('empty.safetensors'), '') // as mktemp leaves it
  assert.equal(linformer('teach', path('own.csv'), '-m', path('trunk.safetensors'), '-o', path('empty.safetensors')).status, 0)
})

test('labels: numbers and truth values are words, names in either normal form are one, a blank one is told', async () => {
  writeFileSync(path('kinds.jsonl'), [true, 3, 'caf\u00e9', 'cafe\u0301', null, { a: 1 }, ' '].map((label, i) => JSON.stringify({ text: `text ${i}`, label })).join('\n'))
  assert.deepEqual((await readAll('kinds.jsonl')).map(({ labels, error }) => labels?.[0] ?? String(error)), [
    'true', '3', 'caf\u00e9', 'caf\u00e9', 'Error: it has no "label"', 'Error: its "label" is {"a":1}, which is not a label', 'Error: it has no "label"'
  ])
  for (const [name, file] of [['cafe\u0301', 'a.txt'], [' spaced ', 'b.txt'], ['  ', 'c.txt']]) {
    mkdirSync(path(`named/${name}`), { recursive: true })
    writeFileSync(path(`named/${name}/${file}`), 'a text')
  }
  assert.deepEqual((await readAll('named')).map(({ labels, error }) => labels?.[0] ?? String(error)).sort(),
    ['Error: the name of this folder is blank, and no label', 'caf\u00e9', 'spaced'])
})

test('labels with commas and quotes are told from their neighbours', () => {
  writeFileSync(path('odd.csv'), csvOf(',').replaceAll(',bills', ',"bills, ""paid"""'))
  const told = linformer('teach', path('odd.csv'), '-m', path('trunk.safetensors'), '-o', path('odd.safetensors'))
  assert.match(told.stdout, /fewer than 8 examples, more would help: "bills, \\"paid\\"" \(6\), parcels \(6\)\n/)
  assert.match(linformer('inspect', path('odd.safetensors')).stdout, /: "bills, \\"paid\\"", parcels\n.*\n {2}a head of the trunk .+, sha256-\S+\n/)
})

test('labels that differ in case alone are told, and taught', () => {
  writeFileSync(path('case.csv'), csvOf(',') + [0, 1, 2].map((i) => `the tracking of van ${i},Parcels\r\n`).join(''))
  const told = linformer('teach', path('case.csv'), '-m', path('trunk.safetensors'), '-o', path('case.safetensors'), '--json')
  assert.match(told.stderr, /differ only in case or spaces, and are taught as different ones: "Parcels", "parcels"/)
  assert.equal(told.status, 0)
  assert.equal(JSON.parse(told.stdout).perLabel.length, 3)
})

test('the time that is left', () => {
  assert.equal(timeLeft(1000, 0.5), '')
  assert.equal(timeLeft(60_000, 0.001), '')
  assert.deepEqual([timeLeft(10_000, 0.5), timeLeft(60_000, 0.25), timeLeft(3_600_000, 0.4)], ['10 s left', '3 min left', '1 h 30 min left'])
})

test('what cannot be done is told in words', () => {
  const model = ['--model', path('trunk.safetensors'), '--out', path('x.safetensors')]
  const tells = (/** @type {string[]} */ args, /** @type {number} */ status, /** @type {RegExp} */ message) => {
    const told = linformer(...args)
    assert.match(told.stderr, message)
    assert.doesNotMatch(told.stderr, /\n {4}at /)
    assert.equal(told.status, status)
  }
  tells(['teach', path('letters'), '--model', 'sentiment'], 2, /--out is missing/)
  tells(['teach', ...model], 2, /one EXAMPLES, not 0/)
  tells(['teach', path('none'), ...model], 1, /there is no such file/)
  tells(['teach', path('letters/bills'), ...model], 1, /in no folder that would be its label[^]*too little to learn from/)
  writeFileSync(path('other.csv'), 'body,kind\na,b\n')
  tells(['teach', path('other.csv'), ...model], 1, /no column "text"; its header is "body", "kind"/)
  writeFileSync(path('wide.csv'), `${Array.from({ length: 40 }, (_, i) => `Column ${i} ${'x'.repeat(100)}`).join()}\na,b\n`)
  tells(['teach', path('wide.csv'), ...model], 1, /wide\.csv: it has no column "text"; its header is ("Column \d x+", ){10}\.\.\. \(--text.*\)\n$/)
  writeFileSync(path('list.json'), JSON.stringify([{ text: 'a', label: 'b' }], null, 2))
  tells(['teach', path('list.json'), ...model], 1, /list\.json is one list in JSON; what is read is JSONL/)
  tells(['teach', path('letters'), ...model, '--memory', '0.5'], 2, /--memory is "0\.5"; it has to be a whole number from 1 to/)
  writeFileSync(path('nul.csv'), 'text,label\na\0b,c\n')
  tells(['teach', path('nul.csv'), ...model], 1, /name its encoding with --encoding\n$/)
  mkdirSync(path('bad/a'), { recursive: true })
  copyFileSync('tests/documents/files/mixed.pdf', path('bad/a/mixed.pdf'))
  tells(['teach', path('bad'), ...model], 1, /a\/mixed\.pdf: 3 of 4 pages have no text: pictures, perhaps scans\n.*too little to learn from/)
  writeFileSync(path('bad/a/nul.txt'), 'a\0b')
  tells(['teach', path('bad'), ...model], 1, /NUL; save it as UTF-8, or name its encoding with --encoding; it is left out\n/)
  tells(['evaluate', path('letters')], 2, /--model is missing/)
  tells(['evaluate', '--model', path('trunk.safetensors'), '--trunk', path('trunk.safetensors'), path('letters')], 1, /--trunk is ".*trunk\.safetensors", but .* is a complete model/)
  tells(['evaluate', '--model', path('trunk.safetensors'), '--at-least', '2', path('letters')], 2, /a share from 0 to 1/)
  tells(['evaluate', '--model', path('trunk.safetensors'), '--at-least', ' ', path('letters')], 2, /--at-least is " "/)
  writeFileSync(path('twice.csv'), 'text,Text,label\na,b,c\n')
  tells(['teach', path('twice.csv'), ...model], 1, /twice\.csv: it has the column "text" more than once; its header is "text", "Text", "label"/)
  tells(['teach', 'tests/documents/files/review.docx', ...model], 1, /review\.docx: it is a document \(docx\), not a table/)
})
