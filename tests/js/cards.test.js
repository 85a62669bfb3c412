/**
 * The cards say of the shipped files what is so: size, digest, trunk, labels; and figures that were measured with these very files.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { shippedModels } from 'linformer-wasm'
import { readSafetensors } from './helpers/c-api.js'

const digestOf = (/** @type {string} */ path) => `sha256-${createHash('sha256').update(readFileSync(path)).digest('base64')}`

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

  if (metadata.kind === 'head') test(`${name}: the card has digest, trunk and labels of the head, and figures of no other file`, () => {
    assert.ok(card.includes(`| digest | \`${digestOf(path)}\` |`))
    assert.ok(card.includes(`| trunk | \`${digestOf(`models/${metadata.trunk_name}.safetensors`)}\` |`))
    for (const label of JSON.parse(metadata.labels)) assert.ok(card.includes(label), label)
    const figures = JSON.parse(readFileSync(`training/${name}.json`, 'utf8'))
    assert.equal(figures.digest, digestOf(path))
    // What was measured is in the card: each of these numbers, rounded as card.py rounds.
    const measured = name === 'contracts' ? ['mAP', 'micro F1', 'evidence', 'ECE'].map((key) => figures[key]) : [figures.sections.accuracy, figures.sections['macro F1']]
    for (const { value, interval } of measured) {
      const [low, high] = interval
      assert.ok(low <= value && value <= high)
      const digits = /(\d+\.\d) \((\d+\.\d) to (\d+\.\d)\)/g
      assert.ok([...card.matchAll(digits)].some((match) => [value, low, high].every((number, i) => Math.abs(Number(match[i + 1]) - number) < 0.0501)), `${value} (${low} to ${high})`)
    }
  })
}

test('links of cards lead somewhere', () => {
  for (const name of shippedModels) {
    for (const [, target] of readFileSync(`models/${name}.md`, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) assert.ok(existsSync(`models/${target}`), `${name}.md: ${target}`)
  }
})
