/**
 * The command line as a black box.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { load } from 'linformer-wasm'
import { tiny, withHeader } from './helpers/models.js'

const folder = await mkdtemp(join(tmpdir(), 'linformer-cli-'))
const at = (name) => join(folder, name)
const model = at('tiny.safetensors')
await writeFile(model, tiny())
await writeFile(at('one.txt'), 'The first text. It is short.')
await writeFile(at('two.txt'), '\ufeffThe second text, with a byte order mark.')
await writeFile(at('empty.txt'), '')
await writeFile(at('binary.txt'), Uint8Array.of(1, 0, 2))
await writeFile(at('latin1.txt'), Uint8Array.of(0x63, 0x61, 0x66, 0xe9))
await writeFile(at('page.html'), '<!doctype html><p>not a model')
await mkdir(at('folder'))

/** Runs the command; `input` goes to standard input. */
function run(args, { input = '', env = {}, cwd = '.' } = {}) {
  const child = spawn(process.execPath, [resolve('bin/linformer.js'), ...args], { cwd, env: { ...process.env, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (part) => { stdout += part })
  child.stderr.on('data', (part) => { stderr += part })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })))
}

const classifier = await load(model)

test('help and version', async () => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { status, stdout, stderr } = await run(args)
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /linformer classify/)
  }
  for (const command of ['classify', 'inspect', 'bench', 'completion']) {
    const { status, stdout } = await run([command, '--help'])
    assert.equal(status, 0)
    assert.match(stdout, new RegExp(`Usage: linformer ${command}`))
  }
  assert.match((await run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('bad usage is exit status 2, says what is wrong, and leaves stdout empty', async () => {
  const cases = [
    [[], /no command/], [['sing'], /unknown command "sing"/], [['classify', '--top-k', '0', 'x'], /--top-k is "0"/],
    [['classify', '--top-k', 'two', 'x'], /--top-k/], [['classify', '--memory', '1.5', 'x'], /--memory/],
    [['classify', '--overflow', 'cut', 'x'], /--overflow is "cut"/], [['classify', '--backend', 'gpu', 'x'], /--backend/],
    [['classify', '--precision', 'half', 'x'], /--precision is "half"/], [['classify', '--nonsense'], /nonsense/], [['classify', '--json', '--jsonl', 'x'], /exclude/], [['classify', '--json', '--csv', 'x'], /exclude/], [['classify', '--type', 'doc', 'x'], /--type is "doc"/],
    [['classify', '--encoding', 'klingon', 'x'], /--encoding is "klingon"/], [['classify', '-', '-'], /only once/], [['classify', '--explain=why', 'x'], /--explain is "why"/], [['classify', '--model', '', 'x'], /--model is empty/], [['teach', 'x', '--out', ''], /--out is empty/],
    [['inspect'], /one MODEL/], [['inspect', 'a', 'b'], /one MODEL/], [['bench', '--lengths', '5,x'], /--lengths/], [['bench', 'x'], /no arguments/], [['completion'], /bash, zsh, fish/], [['completion', 'csh'], /csh/]
  ]
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = await run(args)
    assert.deepEqual([args, status, stdout], [args, 2, ''])
    assert.match(stderr, message)
  }
})

test('a line for each file', async () => {
  const { status, stdout, stderr } = await run(['classify', '--model', model, at('one.txt'), at('two.txt')])
  assert.deepEqual([status, stderr], [0, ''])
  const lines = stdout.trim().split('\n')
  assert.equal(lines.length, 2)
  const { label, tokens } = await classifier.classify('The first text. It is short.')
  assert.ok(lines[0].includes(`one.txt: ${label} `) && lines[0].includes(`${tokens} tokens`), lines[0])
  assert.doesNotMatch(stdout, /\x1b/)
})

test('of a folder, files that are not documents by their names are passed over, and told', async () => {
  await mkdir(at('mixed'))
  for (const name of ['a.txt', 'LETTER', 'note.log']) await writeFile(at(`mixed/${name}`), 'A text. It is short.')
  const { status, stdout, stderr } = await run(['classify', '--model', model, at('mixed')])
  assert.deepEqual([status, stdout.trim().split('\n').length], [0, 1])
  assert.match(stderr, /mixed: skipped 2 files, whose names do not look like a document's: LETTER, note\.log\n$/)
})

test('a text unlike anything that the model was trained on is called that', async () => {
  const { stdout } = await run(['classify', '--model', 'sentiment', 'web/samples/contract.txt', 'web/samples/review.txt'])
  const [contract, review] = stdout.trim().split('\n')
  assert.match(contract, /tokens.* {2}unlike anything the model was trained on$/)
  assert.match(review, /tokens$/)
  const script = await run(['classify', '--model', 'subjects'], { input: '这是一部非常精彩的电影，演员表演出色，我非常喜欢。' })
  assert.match(script.stdout, /tokens {2}(in a script that the model does not know|unlike anything the model was trained on)\n/)
})

test('standard input, with - and without', async () => {
  for (const args of [['-'], []]) {
    const { status, stdout } = await run(['classify', '--model', model, '--json', ...args], { input: 'some text' })
    assert.equal(status, 0)
    assert.deepEqual(JSON.parse(stdout), { id: '-', ...(await classifier.classify('some text')) })
  }
})

test('--json: an object for one document, an array for several', async () => {
  const one = JSON.parse((await run(['classify', '-m', model, '--json', at('one.txt')])).stdout)
  assert.equal(one.id, at('one.txt'))
  const two = JSON.parse((await run(['classify', '-m', model, '--json', '-k', '1', at('one.txt'), at('two.txt')])).stdout)
  assert.deepEqual(two.map(({ scores }) => scores.length), [1, 1])
  assert.equal(two[1].tokens, 'The second text, with a byte order mark.'.length)
})

test('a file that cannot be read does not harm the others', async () => {
  const names = ['missing.txt', 'one.txt', 'empty.txt', 'binary.txt', 'latin1.txt', 'folder', 'two.txt']
  const { status, stdout, stderr } = await run(['classify', '-m', model, '--json', ...names.map(at)])
  assert.equal(status, 1)
  const answers = JSON.parse(stdout)
  assert.deepEqual(answers.map(({ id }) => id), names.map(at))
  assert.deepEqual(answers.map(({ error }) => error), [
    'there is no such file', undefined, 'the text is empty: there is nothing in it', 'it is not text: character 2 is NUL; save it as UTF-8, or name its encoding with --encoding',
    'it is not UTF-8 (byte 4); save it as UTF-8, or name its encoding with --encoding',
    'there are no documents in that folder (.txt, .md, .html, .pdf, .docx and others)', undefined
  ])
  assert.equal(answers[2].code, 'EMPTY_TEXT')
  assert.equal(stderr.trim().split('\n').length, 5)
  const plain = await run(['classify', '-m', model, ...names.map(at)])
  assert.equal(plain.status, 1)
  assert.equal(plain.stdout.trim().split('\n').length, 2)
})

test('--jsonl: a line of JSON for each, in order, whatever the line', async () => {
  const input = [
    '\ufeff{"id": 1, "text": "first"}', 'not JSON', '', '{"id": "b", "text": ""}', '{"id": null, "text": 5}', '{"text": "no id"}',
    '{"id": {"x": 1}, "text": "pair", "textPair": "other"}', '{"id": 7, "text": "pair", "textPair": 5}', '[]', '{"id": 9, "text": "last"}'
  ].join('\r\n')
  const { status, stdout } = await run(['classify', '-m', model, '--jsonl'], { input })
  assert.equal(status, 1)
  const answers = stdout.trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(answers.map(({ id }) => id), [1, null, 'b', null, null, { x: 1 }, 7, null, 9])
  assert.deepEqual(answers.map(({ error }) => error !== undefined), [false, true, true, true, false, false, true, true, false])
  assert.match(answers[1].error, /standard input, line 2: it is not JSON/)
  assert.deepEqual(answers[8], { id: 9, ...(await classifier.classify('last')) })
  assert.deepEqual(answers[5], { id: { x: 1 }, ...(await classifier.classify({ text: 'pair', textPair: 'other' })) })
})

test('--type, --encoding, notes: what a document is, what it is in, what of it is not there', async () => {
  const typed = await run(['classify', '-m', model, '--json', '--type', 'html'], { input: 'a &amp; b' })
  assert.deepEqual(JSON.parse(typed.stdout), { id: '-', ...(await classifier.classify('a & b')) })
  const encoded = await run(['classify', '-m', model, '--json', '--encoding', 'windows-1252', at('latin1.txt')])
  assert.deepEqual(JSON.parse(encoded.stdout), { id: at('latin1.txt'), ...(await classifier.classify('café')) })
  const mixed = await run(['classify', '-m', model, '--json', 'tests/documents/files/mixed.pdf'])
  assert.deepEqual([mixed.status, JSON.parse(mixed.stdout).notes], [0, ['3 of 4 pages have no text: pictures, perhaps scans']])
  assert.match(mixed.stderr, /mixed\.pdf: 3 of 4 pages have no text/)
  const table = await run(['classify', '-m', model, 'tests/documents/files/rows.csv'])
  assert.deepEqual([table.status, table.stdout], [1, ''])
  assert.match(table.stderr, /it is a table \(CSV\): rows, not one document; --jsonl reads the rows of \.csv and \.tsv files/)
})

test('--csv: a row for each document, also for those that failed', async () => {
  const input = '{"id": 1186275104534380545, "text": "one"}\n{"id": "a,\\"b\\"", "text": " "}\n\n{"id": 1.0, "text": "three"}\n'
  const { status, stdout } = await run(['classify', '-m', model, '--jsonl', '--csv'], { input })
  const { label, score, tokens } = await classifier.classify('one')
  const rows = stdout.split('\r\n')
  assert.deepEqual([status, rows[0], rows[1], rows.length], [1, 'id,label,score,tokens,typicality,doubt,error', `1186275104534380545,${label},${score},${tokens},,,`, 5])
  assert.equal(rows[2], '"a,""b""",,,,,,the text is empty: none of its characters (1) is visible')
  assert.match(rows[3], /^1\.0,/)
  const unlike = await run(['classify', '-m', 'sentiment', '--csv', 'web/samples/contract.txt'])
  assert.match(unlike.stdout, /\r\nweb\/samples\/contract\.txt,(positive|negative),[\d.]+,\d+,[\de.-]+,unlike,\r\n/)
  const json = await run(['classify', '-m', model, '--jsonl'], { input })
  assert.deepEqual(json.stdout.match(/^\{"id":.*?,"(?=label|error)/gm), ['{"id":1186275104534380545,"', '{"id":"a,\\"b\\"","', '{"id":1.0,"'])
})

test('--jsonl with a table: its rows, in order, with bad ones among them', async () => {
  await writeFile(at('rows.csv'), 'ID;Body;textPair\r\n7;"one;\r\ntwo";\r\n8;three;four\r\n9; ;\r\n')
  const { status, stdout, stderr } = await run(['classify', '-m', model, '--jsonl', '--text', 'body', at('rows.csv')])
  const answers = stdout.trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(answers.slice(0, 2), [{ id: '7', ...(await classifier.classify('one;\r\ntwo')) }, { id: '8', ...(await classifier.classify({ text: 'three', textPair: 'four' })) }])
  assert.deepEqual([status, answers.length, answers[2].id, answers[2].code], [1, 3, '9', 'EMPTY_TEXT'])
  assert.match(stderr, /rows\.csv, line 5 \(id 9\): the text is empty/)
  const column = await run(['classify', '-m', model, '--jsonl', at('rows.csv')])
  assert.match(column.stderr, /rows\.csv: it has no column "text"; its header is "ID", "Body", "textPair" \(--text names the column\)/)
  const lines = await run(['classify', '-m', model, '--jsonl', '--text', 'body'], { input: '{"id": 1, "body": "three"}\n{"id": 2, "text": "four"}\n' })
  assert.match(lines.stdout, /^\{"id":1,"label"[^]*\n\{"id":2,"error":"it has no \\"body\\" that is a string"/)
  assert.match((await run(['classify', '--text', 'body'], { input: 'x' })).stderr, /--text goes with --jsonl/)
})

test('--jsonl answers as it goes, and many lines come through in order', async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => JSON.stringify({ id: i, text: `text number ${i}` }))
  const { status, stdout } = await run(['classify', '-m', model, '--jsonl', '-'], { input: lines.join('\n') })
  assert.equal(status, 0)
  assert.deepEqual(stdout.trim().split('\n').map((line) => JSON.parse(line).id), lines.map((_, i) => i))

  const child = spawn(process.execPath, ['bin/linformer.js', 'classify', '-m', model, '--jsonl'])
  child.stdin.write('{"id": 1, "text": "first"}\n')
  const first = await new Promise((resolve) => child.stdout.once('data', resolve))
  assert.equal(JSON.parse(first).id, 1)
  child.stdin.end()
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0)
})

test('--overflow and --memory', async () => {
  await writeFile(at('long.txt'), 'word '.repeat(200))
  const args = ['classify', '-m', model, '--json', at('long.txt')]
  assert.equal(JSON.parse((await run(args)).stdout).windows, 4)
  const truncated = await run(['classify', '-m', model, '--overflow', 'truncate', at('long.txt')])
  assert.equal(truncated.status, 0)
  assert.match(truncated.stderr, /only the first 300 of 1000 tokens were read/)
  const rows = await run(['classify', '-m', model, '--overflow', 'truncate', '--jsonl', '--csv'], { input: JSON.stringify({ id: 'a', text: 'word '.repeat(200) }) })
  assert.match(rows.stderr, /line 1 \(id a\): only the first 300 of 1000 tokens were read/)
  const refused = await run([...args, '--overflow', 'error'])
  assert.equal(refused.status, 1)
  assert.equal(JSON.parse(refused.stdout).code, 'TEXT_TOO_LONG')
  const small = await run([...args, '--memory', '1'])
  assert.deepEqual([small.status, JSON.parse(small.stdout).tokensUsed], [0, 1000])
})

test('--threads and --precision: the same verdict', async () => {
  const args = ['classify', '-m', model, '--json', at('one.txt')]
  const { scores } = JSON.parse((await run(args)).stdout)
  const threads = await run([...args, '--threads', '2'])
  assert.equal(threads.status, 0, threads.stderr)
  assert.deepEqual(JSON.parse(threads.stdout).scores, scores)
  const int8 = JSON.parse((await run([...args, '--precision', 'int8'])).stdout)
  assert.ok(Math.abs(int8.score - scores[0].score) < 0.05)
  assert.notEqual(int8.score, scores[0].score)
})

test('--explain', async () => {
  const { explanation } = JSON.parse((await run(['classify', '-m', model, '--json', '--explain', at('one.txt')])).stdout)
  assert.equal(explanation.passages.length > 0, true)
  const { stdout } = await run(['classify', '-m', model, '--explain', at('one.txt')])
  assert.match(stdout, /[+-]\d\.\d{3} {2}The first text/)
  const removed = await run(['classify', '-m', model, '--json', '--explain=removal', at('one.txt')])
  assert.deepEqual(JSON.parse(removed.stdout), { id: at('one.txt'), ...(await classifier.classify('The first text. It is short.', { explain: 'removal' })) })
  const effects = await run(['classify', '-m', 'sentiment', '--explain=removal'], { input: `A wonderful film. ${'The weather that day was neither good nor bad, they say. '.repeat(3)}` })
  assert.match(effects.stdout, /\n {2}[+-]\d\.\d{3} {2}.*\n {10}without it: (positive|negative) \d+\.\d%/)
  assert.doesNotMatch(stdout, /\x1b/)
  const many = 'A sentence of more than forty characters, so that it stands alone. '.repeat(15)
  const coloured = await run(['classify', '-m', 'sentiment', '--explain'], { input: many, env: { FORCE_COLOR: '1', NO_COLOR: '' } })
  assert.match(coloured.stdout, /\x1b\[3[12]m.*A sentence of more/)
  assert.match(coloured.stdout, /and 5 weaker passages/)
  const plain = await run(['classify', '-m', 'sentiment', '--explain'], { input: many, env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
  assert.doesNotMatch(plain.stdout, /\x1b/)
})

test('a model that cannot be loaded', async () => {
  for (const [name, message] of [[at('page.html'), /web page \(HTML\)/], ['no-such-model', /no-such-model could not be read: there is no such file; the models/], [at('folder'), /folder could not be read: it is a folder\n/], [at('one.txt'), /not a \.safetensors|cut short/]]) {
    for (const args of [['classify', '-m', name, at('one.txt')], ['inspect', name]]) {
      const { status, stdout, stderr } = await run(args)
      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, message)
    }
  }
  const trunk = await run(['classify', '-m', 'general', at('one.txt'), at('two.txt')])
  assert.deepEqual([trunk.status, trunk.stdout], [1, ''])
  assert.match(trunk.stderr, /^linformer: general is a trunk, without labels of its own.*\n$/)
})

test('errors of lines: a person is told the line and its id, and without an id the answer has the line too', async () => {
  const input = '{"text": ""}\n\n{"id": {"x": 1.0}, "text": 5}\n'
  const { stdout, stderr } = await run(['classify', '-m', model, '--jsonl'], { input })
  assert.deepEqual(stdout.trim().split('\n').map((line) => JSON.parse(line).error), ['standard input, line 1: the text is empty: there is nothing to classify', 'it has no "text" that is a string'])
  assert.equal(stderr, 'linformer: standard input, line 1: the text is empty: there is nothing to classify\nlinformer: standard input, line 3 (id {"x": 1.0}): it has no "text" that is a string\n')
})

test('a reader that goes away early is no error', async () => {
  const child = spawn(process.execPath, ['bin/linformer.js', 'classify', '-m', model, '--jsonl'])
  let stderr = ''
  child.stderr.on('data', (part) => { stderr += part })
  child.stdin.on('error', () => {})
  child.stdout.once('data', () => child.stdout.destroy())
  const line = `${JSON.stringify({ id: 1, text: 'text' })}\n`
  for (let i = 0; i < 20000; i++) child.stdin.write(line)
  child.stdin.end()
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0)
  assert.equal(stderr, '')
})

test('inspect', async () => {
  const { status, stdout } = await run(['inspect', model])
  assert.equal(status, 0)
  assert.match(stdout, /layers\.1\.attn\.key\.weight +F32 +\[16, 16\]/)
  const parsed = JSON.parse((await run(['inspect', '--json', model])).stdout)
  assert.equal(parsed.config.n_max, 300)
  assert.deepEqual(parsed.memory.at(-1), JSON.parse(JSON.stringify(classifier.memory)))
})

test('bench', async () => {
  const { status, stdout, stderr } = await run(['bench', '--lengths', '64,96', '--layers', '1', '--runs', '1', '--json'])
  assert.deepEqual([status, stderr], [0, ''])
  const rows = JSON.parse(stdout)
  assert.deepEqual(rows.map(({ tokens }) => tokens), [64, 96])
  for (const { linformer, full } of rows) assert.ok(linformer.ms > 0 && full.ms > 0 && full.bytes > 0)
  const table = (await run(['bench', '--lengths', '64,512', '--layers', '1', '--runs', '1'])).stdout
  assert.match(table, /\d\.\dx/)
  assert.match(table, /│.*[ox·]+\n[^]*└─+\n +64 +512 tokens\n[^]*o linformer/) // which is above depends on the machine's load
})

test('completion: bash completes commands, options, their values and files', async () => {
  const { stdout: script } = await run(['completion', 'bash'])
  const complete = async (...words) => {
    const program = `${script}\nCOMP_WORDS=(linformer ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _linformer; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', program])
    return stdout.trim().split('\n')
  }
  assert.deepEqual(await complete('cl'), ['classify'])
  assert.deepEqual(await complete('classify', '--over'), ['--overflow'])
  assert.deepEqual(await complete('classify', '--overflow', ''), ['window', 'truncate', 'error'])
  assert.ok((await complete('inspect', 'package.j')).includes('package.json'))
  for (const shell of ['zsh', 'fish']) assert.match((await run(['completion', shell])).stdout, /classify/)
})

test('file names and ids cannot talk to the terminal either', { skip: process.platform === 'win32' }, async () => {
  const name = at('a\x1b]0;title\x07b\u202ec\nd.txt')
  await writeFile(name, 'a text')
  await writeFile(at('e\nf.txt'), new Uint8Array([0xff, 0xfe, 0x00]))
  await writeFile(at('hostile-id.jsonl'), `${JSON.stringify({ id: 'x\x1b[2J\ny', text: '' })}\n`)
  for (const args of [[name], [at('e\nf.txt')], [at('none\x9b2J\n.txt')], ['-m', at('no\x1b[2Jmodel\n'), name]]) {
    const { stdout, stderr } = await run(['classify', '-m', model, ...args])
    assert.doesNotMatch(stdout + stderr, /[^\n\P{Cc}]|\p{Bidi_Control}/u)
    assert.equal((stdout + stderr).trimEnd().split('\n').length, 1, stdout + stderr)
  }
  const { stderr } = await run(['classify', '-m', model, '--jsonl', at('hostile-id.jsonl')])
  assert.match(stderr, /x\\u\{1b\}\[2J\\u\{a\}y/)
})

test('--no-formulas: no cell that a spreadsheet would run', async () => {
  await writeFile(at('formulas.jsonl'), ['=1+1', '+1', '-1', '@x', '\tx', 'x=1', '-'].map((id) => `${JSON.stringify({ id, text: 'a text' })}\n`).join(''))
  const ids = async (...options) => {
    const { stdout } = await run(['classify', '-m', model, '--jsonl', '--csv', ...options, at('formulas.jsonl')])
    return stdout.split('\r\n').slice(1, -1).map((row) => row.split(',')[0])
  }
  assert.deepEqual(await ids(), ['=1+1', '+1', '-1', '@x', '\tx', 'x=1', '-'])
  assert.deepEqual(await ids('--no-formulas'), ["'=1+1", "'+1", "'-1", "'@x", "'\tx", 'x=1', "'-"])
  assert.equal((await run(['classify', '-m', model, '--no-formulas', at('one.txt')])).status, 2)
})

test('an unknown model: which ones there are', async () => {
  for (const args of [['classify', '-m', 'Sentiment', at('one.txt')], ['inspect', 'nothing']]) {
    const { status, stderr } = await run(args)
    assert.equal(status, 1)
    assert.match(stderr, /the models that come with the package are contracts, digits, general, sentiment, subjects/)
  }
})

test('a model by its name, or by the one that it had before; a file of that name goes before it, a folder does not', async () => {
  await mkdir(at('names/sentiment'), { recursive: true })
  await writeFile(at('names/general'), tiny())
  const labels = async (name) => JSON.parse((await run(['inspect', '--json', name], { cwd: at('names') })).stdout).labels
  for (const name of ['sentiment', 'imdb']) assert.deepEqual(await labels(name), ['negative', 'positive'])
  assert.deepEqual(await labels('general'), classifier.labels)
  const { status, stdout } = await run(['classify', '-m', 'imdb', '--json'], { input: 'A wonderful film.', cwd: at('names') })
  assert.deepEqual([status, JSON.parse(stdout).label], [0, 'positive'])
})

test('--jsonl takes folders and patterns', async () => {
  await mkdir(at('lines/below'), { recursive: true })
  await writeFile(at('lines/a.jsonl'), '{"id":1,"text":"one"}\n')
  await writeFile(at('lines/below/b.ndjson'), '{"id":2,"text":"two"}\n')
  await writeFile(at('lines/c.txt'), 'no lines of JSON')
  const ids = async (...names) => {
    const { stdout } = await run(['classify', '-m', model, '--jsonl', ...names])
    return stdout.trimEnd().split('\n').map((line) => JSON.parse(line).id)
  }
  assert.deepEqual(await ids(at('lines')), [1, 2])
  assert.deepEqual(await ids(at('lines/*.jsonl'), at('lines/**/*.ndjson')), [1, 2])
  assert.match((await run(['classify', '-m', model, '--jsonl', at('none*.jsonl')])).stderr, /no file matches/)
})

test('a signal ends a run as it ends others, with whole lines', { skip: process.platform === 'win32' }, async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const child = spawn(process.execPath, ['bin/linformer.js', 'classify', '-m', model, '--jsonl', '-'], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => {})
    const feed = () => { while (child.stdin.write('{"id":1,"text":"a text of some words"}\n'.repeat(100))); }
    child.stdin.on('drain', feed)
    feed()
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (part) => {
      if (out === '') setTimeout(() => child.kill(signal), 50)
      out += part
    })
    const ended = await new Promise((resolve) => child.on('close', (code, by) => resolve(by)))
    assert.equal(ended, signal)
    assert.ok(out.endsWith('\n'))
    for (const line of out.trimEnd().split('\n')) JSON.parse(line)
  }
})

test('a model cannot talk to the terminal', async () => {
  const hostile = at('hostile.safetensors')
  const escape = '\u001b[2J\u001b]0;title\u0007\u009b31m\u202e\nsecond line'
  await writeFile(hostile, withHeader(tiny(), (header) => {
    header.__metadata__.labels = JSON.stringify([`a${escape}`, `b${escape}`, `c${escape}`])
    header.__metadata__.name = header.__metadata__.license = header.__metadata__.trained_on = escape
  }))
  await writeFile(at('hostile.txt'), `A text. ${escape} Another.`)
  const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
  for (const args of [['classify', '--explain', '--model', hostile, at('hostile.txt')], ['inspect', hostile]]) {
    const { status, stdout, stderr } = await run(args)
    assert.equal(status, 0, stderr)
    assert.doesNotMatch(stdout + stderr, control)
    assert.doesNotMatch(stdout, /^second line/m)
  }
  // Programs get what is there, escaped as JSON has it.
  const { stdout } = await run(['classify', '--json', '--model', hostile, at('hostile.txt')])
  assert.doesNotMatch(stdout.replace(/\u009b|\u202e/g, ''), control)
  assert.match(JSON.parse(stdout).label, /^[abc]\u001b/)
})

test('a model of which several labels may hold: what is found, with --explain where it stands', async () => {
  const clause = 'This Agreement shall be governed by the laws of the State of Delaware, without regard to conflicts of laws.'
  const input = `${'The goods are packed with care and sent to the place that the Buyer names. '.repeat(30)}${clause} ${'The rest is blank. '.repeat(40)}`
  const [short, explained, csv] = await Promise.all([[], ['--explain'], ['--csv']].map((options) => run(['classify', '-m', 'contracts', ...options], { input })))
  assert.match(short.stdout, /^-: \d+ labels? found {2}\d+ tokens( {2}unlike.*)?\n/)
  assert.match(short.stdout, /\d\d\.\d% {2}Governing Law\n/)
  const [, start, end] = /Governing Law, characters (\d+) to (\d+)\n +\S/.exec(explained.stdout)
  assert.ok(Number(start) < input.indexOf(clause) + clause.length && Number(end) > input.indexOf(clause))
  assert.match(csv.stdout, /Governing Law/)
})
