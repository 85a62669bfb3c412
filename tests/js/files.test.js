/**
 * What the command line takes: files, folders, patterns, standard input, and very many lines.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix, relative, win32 } from 'node:path'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import { fromFiles } from '../../bin/documents.js'
import { fromLines, linesOf, rawMember } from '../../bin/lines.js'
import { filesOf } from '../../bin/paths.js'
import { expandBraces, nameMatcher, segmentsOf, splitRoot } from '../../bin/patterns.js'
import { tiny } from './helpers/models.js'
import { pdfOf } from './helpers/pdf.js'

const folder = await mkdtemp(join(tmpdir(), 'linformer-files-'))
const at = (name) => join(folder, name)
await mkdir(at('deep/er'), { recursive: true })
for (const name of ['a.txt', 'b.md', 'c.html', 'deep/d.txt', 'deep/er/e.txt', 'deep/image.png', '.hidden.txt']) await writeFile(at(name), `text of ${name}`)
await writeFile(at('f.pdf'), pdfOf(['The first page.', 'The (second) one.']))

const collect = async (iterable) => {
  const found = []
  for await (const each of iterable) found.push(each)
  return found
}
const names = async (name, base = folder) => (await collect(filesOf(name))).map(({ file, error }) => {
  assert.equal(error, undefined)
  return relative(base, file)
})

test('a file of each kind', async () => {
  const documents = await collect(fromFiles([at('a.txt'), at('b.md'), at('c.html'), at('f.pdf')]))
  assert.deepEqual(documents.map(({ input }) => input), ['text of a.txt', 'text of b.md', 'text of c.html', 'The first page.\n\nThe (second) one.'])
})

test('a folder stands for its documents, a pattern for what matches', async () => {
  for (const [name, expected] of [
    ['deep', ['deep/d.txt', 'deep/er/e.txt']], ['*.{txt,md}', ['a.txt', 'b.md']], ['**/*.txt', ['a.txt', 'deep/d.txt', 'deep/er/e.txt']], ['deep/**/?.txt', ['deep/d.txt', 'deep/er/e.txt']],
    ['[ab].*', ['a.txt', 'b.md']], ['d*/i*', ['deep/image.png']], ['./deep//./er/../*.txt', ['deep/d.txt']], ['deep/**', ['deep/d.txt', 'deep/er/e.txt', 'deep/image.png']], ['.h*', ['.hidden.txt']],
    ['{deep/er,deep}/*.txt', ['deep/d.txt', 'deep/er/e.txt']], ['**/er/**/*.txt', ['deep/er/e.txt']]
  ]) assert.deepEqual(await names(`${folder}/${name}`), expected, name)
  for (const name of ['*.doc', 'none/*.txt']) {
    const [{ file, error }] = await collect(filesOf(at(name)))
    assert.deepEqual([file, error.message], [at(name), 'no file matches'])
  }
  await writeFile(at('[x].txt'), 'a name that looks like a pattern')
  assert.deepEqual(await names(at('[x].txt')), ['[x].txt'])
  assert.ok((await names('tests/js/../js/helpers/*.js', '.')).includes('tests/js/helpers/pdf.js'))
})

test('symbolic links are followed, once; what cannot be looked at has its own name', async () => {
  await mkdir(at('links/inner'), { recursive: true })
  await writeFile(at('links/inner/one.txt'), 'one')
  await symlink(at('links'), at('links/inner/loop'))
  await symlink(at('deep/d.txt'), at('links/to-a-file.txt'))
  await symlink(at('deep/er'), at('links/to-a-folder'))
  await symlink(at('nowhere'), at('links/broken.txt'))
  for (const name of ['links', 'links/**/*.txt']) {
    const found = await collect(filesOf(at(name)))
    assert.deepEqual(found.map(({ file }) => relative(at('links'), file)), ['broken.txt', 'inner/one.txt', 'to-a-file.txt', 'to-a-folder/e.txt'])
    assert.deepEqual(found.map(({ error }) => error?.code), ['ENOENT', undefined, undefined, undefined])
  }
})

test('patterns', () => {
  for (const [pattern, name, expected] of [
    ['*.txt', 'a.txt', true], ['a+b(1).txt', 'a+b(1).txt', true], ['[!a].txt', 'b.txt', true], ['[!a].txt', 'a.txt', false], ['[a-c]x', 'bx', true], ['[]]', ']', true],
    ['[', '[', true], ['?', 'é', true], ['?', '😀', true], ['*', '', true], ['a*b*c', 'aXbYbZc', true], ['a*b*c', 'aXbYbZ', false], ['**', 'x', true]
  ]) assert.equal(nameMatcher(pattern)(name), expected, `${pattern} ${name}`)
  assert.deepEqual(expandBraces('{a,b{c,d}}.{x}'), ['a.{x}', 'bc.{x}', 'bd.{x}'])
  assert.deepEqual(expandBraces('a,b{c,d'), ['a,b{c,d'])
  assert.throws(() => expandBraces('{a,b}'.repeat(20)), /4,096/)
  assert.deepEqual(segmentsOf('a/./b/*.txt'), ['a', 'b', '*.txt'])
  assert.deepEqual(segmentsOf('dir//*.txt'), ['dir', '*.txt'])
  assert.deepEqual(segmentsOf('../x/../*.txt'), ['..', '*.txt'])
  // Linear where regular expressions take for ever.
  assert.equal(nameMatcher(`${'*a'.repeat(100)}b`)('a'.repeat(250)), false)
})

const stream = async function* (...parts) { for (const part of parts) yield Buffer.from(part) }

test('patterns of Windows: drives, shares, and backslashes between names', () => {
  /** @type {[string, string, string[]][]} */
  const cases = [
    ['letters\\*.txt', '', ['letters', '*.txt']],
    ['..\\letters\\**\\*.pdf', '', ['..', 'letters', '**', '*.pdf']],
    ['letters/old\\*.txt', '', ['letters', 'old', '*.txt']],
    ['C:\\letters\\{new,old}\\[a-m]?.txt', 'C:/', ['letters', '{new,old}', '[a-m]?.txt']],
    ['C:*.txt', 'C:', ['*.txt']],
    ['\\letters\\*.txt', '/', ['letters', '*.txt']],
    ['\\\\server\\share\\**\\*.txt', '//server/share/', ['**', '*.txt']]
  ]
  for (const [pattern, root, segments] of cases) {
    const split = splitRoot(pattern, win32)
    assert.deepEqual([split.root, segmentsOf(split.rest)], [root, segments], pattern)
  }
  // Elsewhere a backslash is a character of a name.
  assert.deepEqual(splitRoot('/a\\b/*.txt', posix), { root: '/', rest: 'a\\b/*.txt' })
  assert.deepEqual(splitRoot('C:/*.txt', posix), { root: '', rest: 'C:/*.txt' })
})

test('lines are bytes until they are whole, and one that is too long harms no other', async () => {
  const lines = async (...parts) => (await collect(linesOf(stream(...parts), 8))).map((line) => line?.toString())
  assert.deepEqual(await lines('a\nb', 'c\n\nd'), ['a', 'bc', '', 'd'])
  assert.deepEqual(await lines('\xc3'.repeat(0), 'caf', Uint8Array.of(0xc3), Uint8Array.of(0xa9, 0x0a)), ['café'])
  assert.deepEqual(await lines('12345678\n123456', '789\nx\n', '123456789'), ['12345678', undefined, 'x', undefined])
})

test('an id comes back as it was written', () => {
  for (const [line, raw] of [
    ['{"id": 1186275104534380545, "text": "good"}', '1186275104534380545'], ['{"text":"a,}\\"{","id":1.0}', '1.0'], ['{"x":{"id":1},"id": "a" }', '"a"'], ['{"i\\u0064":[1, {"id":2}],"y":0}', '[1, {"id":2}]'],
    ['{"id":1,"id":2}', '2'], ['{"text":"id","n":{}}', undefined], [`{"text":"${'\\\\'.repeat(1000)}","id":7}`, '7']
  ]) assert.equal(rawMember(line, 'id'), raw, line)
})

test('lines that are no UTF-8, in another encoding, and in UTF-16', async () => {
  const latin1 = 'tests/documents/files/latin1.jsonl'
  const [bad] = await collect(fromLines([latin1]))
  assert.match(`${bad.where}: ${bad.error.message}`, /latin1\.jsonl, line 1: it is not UTF-8 \(byte 20\)/)
  const [asked] = await collect(fromLines([latin1], { encoding: 'windows-1252' }))
  const [utf8] = await collect(fromLines(['tests/documents/files/utf8.jsonl']))
  assert.deepEqual([asked.id, asked.rawId, asked.input], [utf8.id, utf8.rawId, utf8.input])
  await writeFile(at('utf16.jsonl'), Buffer.from('\ufeff{"id":1,"text":"a \u0a0a"}\n{"id":2,"text":"b"}\n', 'utf16le'))
  assert.deepEqual((await collect(fromLines([at('utf16.jsonl')]))).map(({ id, input }) => [id, input]), [[1, 'a \u0a0a'], [2, 'b']])
})

test('lines in gzip; those before it breaks off have their results', async () => {
  const packed = gzipSync(Array.from({ length: 2000 }, (_, id) => `${JSON.stringify({ id, text: `Text ${Math.sin(id)}` })}\n`).join(''))
  await writeFile(at('packed.jsonl.gz'), packed)
  await writeFile(at('broken.jsonl.gz'), packed.subarray(0, packed.length / 2))
  assert.deepEqual((await collect(fromLines([at('packed.jsonl.gz')]))).map(({ id }) => id), Array.from({ length: 2000 }, (_, id) => id))
  const broken = await collect(fromLines([at('broken.jsonl.gz')]))
  // However slowly they are taken.
  const slowly = []
  for await (const each of fromLines([at('broken.jsonl.gz')])) {
    slowly.push(each)
    await new Promise((resolve) => { setTimeout(resolve, 0) })
  }
  assert.equal(slowly.length, broken.length)
  await writeFile(at('end.jsonl.gz'), packed.subarray(0, -1))
  assert.equal((await collect(fromLines([at('end.jsonl.gz')]))).length, 2001)
  for (const [name, byte] of [['checksum', -8], ['length', -4]]) {
    const bytes = Buffer.from(packed)
    bytes[packed.length + byte] ^= 1
    await writeFile(at(`${name}.jsonl.gz`), bytes)
    assert.match((await collect(fromLines([at(`${name}.jsonl.gz`)]))).pop().error.message, /its gzip is damaged/)
  }
  const last = broken.pop()
  assert.ok(broken.length > 500 && broken.every(({ input }) => input !== undefined), `${broken.length} lines`)
  assert.equal(`${last.where}: ${last.error.message}`, `${at('broken.jsonl.gz')}: its gzip is damaged (unexpected end of file)`)
  assert.match((await collect(fromLines([at('none.jsonl.gz')])))[0].error.message, /there is no such file/)
})

test('10,000 documents through --jsonl, on two threads: in order, in constant memory', { timeout: 120_000 }, async (t) => {
  const model = at('tiny.safetensors')
  await writeFile(model, tiny())
  // Told by the process itself, at its end: the most that was alive at once. Garbage is collected before each look,
  // because how much of it waits in the heap depends on the machine.
  const hook = `let most = 0
    const look = () => { gc(); const { heapUsed, external } = process.memoryUsage(); most = Math.max(most, heapUsed + external) }
    setInterval(look, 100).unref()
    process.on('exit', () => process.stderr.write(String(most)))`
  const text = 'Words follow words. '.repeat(200)

  /** The most memory in use at once, in bytes, over `count` documents of 4 kB, of a process whose reader is in no hurry. */
  async function peak(count) {
    const child = spawn(process.execPath, ['--expose-gc', `--import=data:text/javascript,${encodeURIComponent(hook)}`, 'bin/linformer.js', 'classify', '-m', model, '--jsonl', '--overflow', 'truncate', '--threads', '2'])
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
    return Number(stderr)
  }
  const [few, many] = [await peak(4000), await peak(10_000)]
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1)
  t.diagnostic(`at most ${mebibytes(few)} MiB for 4,000 documents, ${mebibytes(many)} MiB for 10,000`)
  assert.ok(many - few < 12 * 2 ** 20, 'the 24 MB of the other 6,000 leave no trace')
})
