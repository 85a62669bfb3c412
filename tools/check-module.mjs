// Checks a built module for what the JavaScript side relies on: its size, its one import, its exports.
//   node tools/check-module.mjs MODULE.wasm EXPORTS.rsp MAX_BYTES
// Reads the sections itself, because an engine without relaxed SIMD refuses to compile the relaxed module.
import { readFileSync } from 'node:fs'

const KINDS = ['function', 'table', 'memory', 'global']
// Beside the listed symbols: a no-op initialiser, and the table of function pointers, if there are any.
const ALSO_EXPORTED = ['__heap_base', '__stack_pointer', '_initialize', '__indirect_function_table']

const [file, exportsFile, maxBytes] = process.argv.slice(2)
const bytes = readFileSync(file)
let at = 8 // after the magic number and the version

function number() {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++]
    value += (byte & 127) * scale
    if (byte < 128) return value
  }
}

function string() {
  const length = number()
  at += length
  return bytes.toString('utf8', at - length, at)
}

const problems = []
const imports = []
const exports = []
while (at < bytes.length) {
  const id = bytes[at++]
  const end = number() + at
  if (id === 0) problems.push(`has a custom section "${string()}"`)
  if (id === 2) {
    for (let left = number(); left > 0; left--) {
      const name = `${string()}.${string()}`
      const kind = KINDS[bytes[at++]]
      if (kind !== 'memory') {
        problems.push(`imports the ${kind} ${name}`)
        break // only a memory's type is read below
      }
      const bounded = number() & 1
      imports.push(`${name} ${number()}..${bounded ? number() : ''} pages`)
    }
  }
  if (id === 7) {
    for (let left = number(); left > 0; left--) {
      exports.push(string())
      at++
      number()
    }
  }
  at = end
}

if (!(bytes.length <= Number(maxBytes))) problems.push(`has ${bytes.length} bytes, more than ${maxBytes}`)
if (!/^env\.memory \d+\.\.65536 pages$/.test(imports.join())) {
  problems.push(`must import env.memory with up to 65536 pages, imports: ${imports.join() || 'none'}`)
}
const listed = readFileSync(exportsFile, 'utf8').trim().split('\n').map((name) => name.slice(1))
for (const name of listed) if (!exports.includes(name)) problems.push(`does not export ${name}`)
for (const name of exports) {
  if (![...listed, ...ALSO_EXPORTED].includes(name)) problems.push(`exports ${name}, which is not in the list`)
}

for (const problem of problems) console.error(`${file} ${problem}`)
process.exitCode = problems.length > 0 ? 1 : 0
