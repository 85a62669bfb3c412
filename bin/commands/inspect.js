/**
 * linformer inspect
 */
import { inspect, LinformerError } from 'linformer-wasm'
import { modelMessage, modelPath } from '../models.js'
import { complain, mebibytes, plain, quoted, UsageError, write } from '../terminal.js'

export const inspectOptions = /** @type {const} */ ({ json: { type: 'boolean' } })

export const inspectHelp = `Usage: linformer inspect [--json] MODEL

Shape, tensors and memory plan of a shipped model or a .safetensors file.
`

const number = (/** @type {number} */ n) => n.toLocaleString('en-US')

/** Columns of equal width; the first to the left, the others to the right. @param {string[][]} rows */
const table = (rows) => {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))
  return rows.map((row) => `  ${row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ')}`).join('\n')
}

/**
 * What a trunk needs; a head alone has no plan.
 *
 * @param {import('linformer-wasm').MemoryReport} chosen
 * @param {import('linformer-wasm').MemoryReport[]} plans
 */
const memoryLines = (chosen, plans) => [
  `  ${chosen.operations.toExponential(1)} operations for a document of ${number(chosen.capacity)} tokens`,
  '',
  'linear memory, in bytes',
  table([
    ['capacity in tokens', 'static', 'tokenizer', 'weights', 'heads', 'workspace', 'total', ''],
    ...plans.map((plan) => [
      number(plan.capacity), number(plan.static), number(plan.tokenizer), number(plan.weights), number(plan.heads),
      number(plan.workspace), number(plan.total), mebibytes(plan.total)
    ])
  ])
]

/**
 * @param {import('./index.js').Values<typeof inspectOptions>} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function inspectModel(values, positionals) {
  if (positionals.length !== 1) throw new UsageError(`inspect takes one MODEL, not ${positionals.length}`)
  let model
  try {
    model = await inspect(modelPath(positionals[0]))
  } catch (error) {
    if (!(error instanceof LinformerError)) throw error
    complain(modelMessage(error))
    return 1
  }
  if (values.json) {
    await write(`${JSON.stringify(model, null, 2)}\n`)
    return 0
  }
  const { name = positionals[0], license = 'not said', trained_on: trainedOn = 'not said' } = model.metadata
  const lines = [
    `${plain(name)}: ${model.labels.length > 0 ? model.labels.map(quoted).join(', ') : 'a trunk, without labels'}`,
    plain(`  licence ${license}; trained on ${trainedOn}`),
    ...model.kind === 'head' ? [plain(`  a head of the trunk ${model.metadata.trunk_name ?? 'without a name'}, ${model.metadata.trunk}`)] : [],
    `  ${number(model.parameters)} parameters, ${number(model.fileBytes)} bytes`,
    '',
    'config',
    table(Object.entries(model.config).map(([key, value]) => [key, Array.isArray(value) ? value.join(', ') : String(value)])),
    '',
    'tensors',
    table(model.tensors.map(({ name, dtype, shape, bytes }) => [name, dtype, `[${shape.join(', ')}]`, number(bytes)])),
    ...model.chosen ? memoryLines(model.chosen, model.memory) : [],
    ...model.headRoom === undefined ? [] : ['', `  ${number(model.headRoom)} bytes of a trunk's headRoom`]
  ]
  await write(`${lines.join('\n')}\n`)
  return 0
}
