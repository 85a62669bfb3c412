#!/usr/bin/env node
/**
 * Documents one after another through one classifier: by default a million. Prints how many a second and the memory in
 * use, after collection, at a tenth and at the end; exit status 1 if that has grown by more than 2 MB or a verdict differs.
 *
 *     node tests/load/documents.js [--count 1000000] [--model models/sentiment.safetensors]
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { load } from 'linformer-wasm'
import { inUse } from '../js/helpers/memory.js'

const { values } = parseArgs({ options: {
  count: { type: 'string', default: '1000000' },
  model: { type: 'string', default: fileURLToPath(new URL('../../models/sentiment.safetensors', import.meta.url)) }
} })
const count = Number(values.count)

const TEXTS = ['Good.', 'Bad!', 'So-so film.', '\u{1f600} fine', 'No\u0000thing', 'It is what it is.', '...', 'Loved it all.']
const classifier = await load(values.model)
const expected = (await classifier.classify(TEXTS)).map(({ label, score }) => `${label} ${score}`)
let early = 0
let different = 0
const started = performance.now()
for (let i = 0; i < count; i++) {
  const { label, score } = await classifier.classify(TEXTS[i % TEXTS.length])
  if (`${label} ${score}` !== expected[i % TEXTS.length]) different++
  if (i === Math.floor(count / 10)) early = await inUse()
}
const seconds = (performance.now() - started) / 1000
const late = await inUse()
console.log(`${count} documents in ${seconds.toFixed(0)} s, ${(count / seconds).toFixed(0)} a second; ${different} differ from the first time`)
console.log(`memory in use: ${(early / 2 ** 20).toFixed(2)} MiB at a tenth, ${(late / 2 ** 20).toFixed(2)} MiB at the end`)
process.exitCode = different > 0 || late - early > 2 * 2 ** 20 ? 1 : 0
