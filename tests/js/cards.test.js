/**
 * The cards say of the shipped files what is so: size, digest, trunk, labels; and figures that were measured with these very files.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { inspect, shippedModels } from 'linformer-wasm'
import { readSafetensors } from './helpers/c-api.js'

const digestOf = (/** @type {string} */ path) => `sha256-${createHash('sha256').update(readFileSync(path)).digest('base64')}`

/** Figures that a card has to have, of the models whose card is written by training/card.py. */
const MEASURED = {
  contracts: (figures) => ['mAP', 'micro F1', 'evidence', 'ECE'].map((key) => figures[key]),
  digits: (figures) => ['test', 'two pixels to the right', 'two pixels down'].map((name) => figures[name].accuracy),
  sentiment: ({ reviews, sentences, pairs, 'by length': lengths }) => [reviews, sentences, pairs, ...Object.values(lengths)].map(({ accuracy }) => accuracy),
  subjects: ({ sections }) => [sections.accuracy, sections['macro F1']]
}

test('every shipped model has a card, and every card a model', () => {
  const cards = readdirSync('models').filter((name) => name.endsWith('.md')).map((name) => name.slice(0, -'.md'.length))
  assert.deepEqual(cards.sort(), [...shippedModels].sort())
})

for (const name of shippedModels) {
  const path = `models/${name}.safetensors`
  const card = readFileSync(`models/${name}.md`, 'utf8')
  const { metadata } = readSafetensors(path)

  test(`${name}: the card has the size and the licence of the file`, () => {
    assert.ok(card.includes(`\`${name}.safetensors\`, ${readFileSync(path).length.toLocaleString('en-US')} bytes`))
    assert.ok(card.includes(`| licence | ${metadata.license}`))
  })

  const figured = MEASURED[name]
  if (figured !== undefined) test(`${name}: the card has digest, trunk and labels of the file, and figures of no other`, () => {
    assert.ok(card.includes(`| digest | \`${digestOf(path)}\` |`))
    if (metadata.kind === 'head') assert.ok(card.includes(`| trunk | \`${digestOf(`models/${metadata.trunk_name}.safetensors`)}\` |`))
    for (const label of JSON.parse(metadata.labels)) assert.ok(card.includes(label), label)
    const figures = JSON.parse(readFileSync(`training/${name}.json`, 'utf8'))
    assert.equal(figures.digest, digestOf(path))
    // What was measured is in the card: each of these numbers, rounded as card.py rounds.
    for (const { value, interval } of figured(figures)) {
      const [low, high] = interval
      assert.ok(low <= value && value <= high)
      const digits = /(\d+\.\d) \((\d+\.\d) to (\d+\.\d)\)/g
      assert.ok([...card.matchAll(digits)].some((match) => [value, low, high].every((number, i) => Math.abs(Number(match[i + 1]) - number) < 0.0501)), `${value} (${low} to ${high})`)
    }
  })
}

test('sentiment: what README and the guide to budgets quote is what was measured and what is planned', async () => {
  const { reviews, sentences } = JSON.parse(readFileSync('training/sentiment.json', 'utf8'))
  const readme = readFileSync('README.md', 'utf8')
  const [row] = /^\| \[sentiment\].*$/m.exec(readme) ?? ['']
  for (const { documents, accuracy } of [reviews, sentences]) {
    assert.ok(row.includes(`${accuracy.value.toFixed(1)}% of ${documents.toLocaleString('en-US')}`), `${row} has ${accuracy.value} of ${documents}`)
  }
  assert.ok(row.includes(`${(readFileSync('models/sentiment.safetensors').length / 1e6).toFixed(1)} MB`), row)
  const { memory } = await inspect('sentiment')
  const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const guide = readFileSync('docs/budget.md', 'utf8')
  for (const { capacity, weights, tokenizer, workspace, total } of memory.filter(({ capacity }) => capacity >= 2048)) {
    const line = guide.split('\n').find((each) => each.startsWith('|') && each.includes(capacity.toLocaleString('en-US')))
    assert.deepEqual(line?.split(' | ').slice(1).map((cell) => cell.replace(/ \|$/, '')), [weights, tokenizer, workspace, total].map(mebibytes))
    if (capacity === 4096) assert.ok(readme.includes(`${mebibytes(total)} for the shipped film model`), mebibytes(total))
  }
})

test('links of cards lead somewhere', () => {
  for (const name of shippedModels) {
    for (const [, target] of readFileSync(`models/${name}.md`, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) assert.ok(existsSync(`models/${target}`), `${name}.md: ${target}`)
  }
})
