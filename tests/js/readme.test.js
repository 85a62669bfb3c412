/**
 * The examples of README.md, run as they stand there.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { promisify } from 'node:util'

const readme = readFileSync('README.md', 'utf8')
const examples = [...readme.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code)

/** Runs a module beside package.json, as a user's would stand beside node_modules. */
async function run(code) {
  const file = `example-${process.pid}.mjs`
  writeFileSync(file, code)
  try {
    return (await promisify(execFile)(process.execPath, [file])).stdout
  } finally {
    rmSync(file)
  }
}

test('the first example', async () => {
  const [label, tokens, memory] = (await run(examples[0])).trim().split('\n')
  assert.match(label, /^positive 0\.\d+$/)
  assert.match(tokens, /^(\d+) of \1$/)
  assert.ok(Number(memory) <= 32 * 2 ** 20 && Number(memory) % 65536 === 0, memory)
})

test('the example of the worker', async () => {
  const example = examples.find((code) => code.includes('linformer-wasm/worker'))
  const printed = await run(`const text = 'a text'\n${example}\nconsole.log(result.label)`)
  assert.match(printed, /phase: 'weights'[^]*(positive|negative)\n$/)
})
