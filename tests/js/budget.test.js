/**
 * A change that makes the engine execute more or take more memory fails here, on every machine and at any load. Where
 * it is worth its price, `npm run budget` takes the new numbers over; commit them with the reason.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { BUDGET, SHAPE, measureBudget } from '../budget/measure.js'

/** Part of a budget by which a number may exceed it. */
const TOLERANCE = 0.02

const budget = JSON.parse(readFileSync(BUDGET, 'utf8'))
const measured = await measureBudget()

test('every budgeted number is measured, and every measured one has a budget', () => {
  assert.deepEqual(Object.keys(measured).sort(), Object.keys(budget).sort(), 'run `npm run budget` and commit tests/budget/budget.json')
})

test('the counted products are those of the equations, and at most a sixth more for exponentials and norms', () => {
  const { n_max: n, d_model: d, d_ff: dFf, n_layers: layers, k: [k] } = SHAPE
  const layer = n * k * d + 2 * k * d * d + 2 * n * d * d + 2 * n * k * d + 2 * n * d * dFf
  const lanes = 4 * measured['simd128, float32, linformer, classify, products']
  assert.ok(lanes > layers * layer && lanes < layers * layer * 7 / 6, `${lanes} for ${layers * layer}`)
})

for (const [name, limit] of Object.entries(budget)) {
  test(`budget: ${name}`, (t) => {
    const number = measured[name]
    const change = `${number.toLocaleString('en')} instead of ${limit.toLocaleString('en')} (${((number / limit - 1) * 100).toFixed(1)}%)`
    assert.ok(number <= limit * (1 + TOLERANCE), `${name}: ${change}. If that is worth it, run \`npm run budget\`, commit tests/budget/budget.json and say why`)
    if (number < limit * (1 - TOLERANCE)) t.diagnostic(`${name}: ${change}. Run \`npm run budget\` to keep the gain`)
  })
}
