/**
 * wasm/engine/abi.js says in JavaScript what src/linformer.h says in C.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import * as abi from '../../wasm/engine/abi.js'

const header = readFileSync('src/linformer.h', 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
const limits = readFileSync('src/linformer.h', 'utf8')

/** Members of an enum of the header, by name; of the enums without a name, the one that has the member. */
function members(pattern) {
  const body = [...header.matchAll(/enum( \w+)? \{([^}]*)\}/g)].find(([all, name]) => pattern.test(`${name ?? ''} ${all}`))?.[2]
  assert.ok(body, `${pattern} is in the header`)
  return Object.fromEntries([...body.matchAll(/(\w+) = (-?\d+)/g)].map(([, name, value]) => [name, Number(value)]))
}

test('sizes are those of the header', () => {
  const { LF_ALIGN, LF_TILE, LF_MAX_LAYERS, LF_MAX_THREADS, LF_TEXT_CHUNK } = members(/LF_ALIGN/)
  assert.deepEqual([abi.ALIGN, abi.TILE, abi.MAX_LAYERS, abi.MAX_THREADS, abi.TEXT_CHUNK], [LF_ALIGN, LF_TILE, LF_MAX_LAYERS, LF_MAX_THREADS, LF_TEXT_CHUNK])
  assert.equal(abi.TOKENIZER_LOWERCASE, members(/LF_TOKENIZER_LOWERCASE/).LF_TOKENIZER_LOWERCASE)
})

test('statuses are those of the header, and have its names', () => {
  assert.deepEqual(Object.fromEntries(Object.entries(abi.LF).map(([name, value]) => [`LF_${name}`, value])), members(/lf_status/))
  assert.equal(abi.statusName(-8), 'LF_ERROR_VALUE')
  assert.equal(abi.statusName(-99), 'status -99')
})

for (const [name, prefix] of Object.entries({
  DTYPES: 'LF_', ATTENTION: 'LF_ATTENTION_', SHARING: 'LF_SHARING_', PROJECTION: 'LF_PROJECTION_', POSITIONS: 'LF_POSITIONS_',
  POOLING: 'LF_POOLING_', PRECISIONS: 'LF_PRECISION_'
})) {
  test(`${name}: each name is the header's, its index the value there`, () => {
    const found = members(new RegExp(`${prefix}${abi[name][0].replaceAll('-', '_')}\\b`, 'i'))
    assert.deepEqual(Object.fromEntries(abi[name].map((each, i) => [`${prefix}${each.replaceAll('-', '_').toUpperCase()}`, i])), found)
  })
}

/** Fields of a struct of int32_t, in order, with the limit that its comment gives. */
function fields(struct) {
  const body = limits.match(new RegExp(`typedef struct ${struct} \\{([\\s\\S]*?)\\n\\}`))?.[1]
  assert.ok(body, `${struct} is in the header`)
  return [...body.replace(/\/\*(?!.*\*\/)[\s\S]*?\*\//g, '').matchAll(/int32_t (\w+)(?:\[\w+\])?;(?:\s*\/\* 1 \.\. (LF_\w+|2\^\d+|\d+))?/g)].map(([, name, limit]) => ({ name, limit }))
}

test('lf_config and lf_head_config: their fields in their order, and their limits', () => {
  const found = [...fields('lf_config'), ...fields('lf_head_config')]
  assert.deepEqual(fields('lf_config').map(({ name }) => name), abi.CONFIG_FIELDS)
  assert.deepEqual(fields('lf_head_config').map(({ name }) => name), abi.HEAD_CONFIG_FIELDS)
  const value = (limit) => limit.startsWith('2^') ? 2 ** Number(limit.slice(2)) : limit === 'LF_MAX_LAYERS' ? abi.MAX_LAYERS : Number(limit)
  for (const [name, limit] of Object.entries(abi.LIMITS)) {
    assert.equal(value(found.find((field) => field.name === name)?.limit ?? ''), limit, name)
  }
})
