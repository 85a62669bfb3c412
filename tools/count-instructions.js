/**
 * Rewrites a WebAssembly module so that it counts what it executes: exact numbers that no clock and no other process
 * disturbs, for tests/js/budget.test.js. Before the end of every run of instructions without a branch, three exported
 * globals grow by what that run holds.
 */

/**
 * The counters, in the order of their globals: operations (what a compiler has to make code for: not the reading of
 * locals and constants), vector multiplications, loads and stores.
 */
export const COUNTERS = /** @type {const} */ (['operations', 'products', 'accesses'])

const SECTION = { type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 }

// What ends a run: unreachable, block, loop, if, else, end, br, br_if, br_table, return.
const ENDS_RUN = new Set([0x00, 0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f])

/** Sub-opcodes of 0xfd that multiply: integer dot and multiply, f32x4.mul, and the relaxed multiply-adds and dots. */
const PRODUCTS = new Set([0x95, 0xb5, 0xba, 0xd5, 0xe6, 0xf2, 0x105, 0x106, 0x107, 0x108, 0x112, 0x113])

/** Extended integer multiplications, six for each of i16x8, i32x4 and i64x2. */
for (const first of [0x9c, 0xbc, 0xdc]) for (let i = 0; i < 4; i++) PRODUCTS.add(first + i)

// What compiles to nothing: nop, block, loop, end, drop, local.get, local.set, local.tee, and the constants.
const FREE = new Set([0x01, 0x02, 0x03, 0x0b, 0x1a, 0x20, 0x21, 0x22, 0x41, 0x42, 0x43, 0x44])

class Reader {
  /** @param {Uint8Array} bytes @param {number} [at] */
  constructor(bytes, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** An unsigned number, LEB128; of a signed one only the length matters here. */
  number() {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++]
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
}

/** @param {number} value @returns {number[]} unsigned LEB128 */
function unsigned(value) {
  const bytes = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 | 128)
  return [...bytes, value]
}

/** @param {number} value not negative @returns {number[]} signed LEB128 */
function signed(value) {
  const bytes = []
  for (; value >= 64; value >>= 7) bytes.push(value & 127 | 128)
  return [...bytes, value]
}

/**
 * Reads one instruction and what it does to the counters.
 *
 * @param {Reader} reader at the opcode
 * @returns {{ opcode: number, free: boolean, product: boolean, memory: boolean }}
 */
function instruction(reader) {
  const opcode = reader.bytes[reader.at++]
  let free = FREE.has(opcode)
  let product = false
  let memory = opcode >= 0x28 && opcode <= 0x3e
  const skip = (/** @type {number} */ count) => { for (let i = 0; i < count; i++) reader.number() }
  if (opcode === 0xfc) { // saturating conversions and bulk memory
    const sub = reader.number()
    skip([0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1][sub])
  } else if (opcode === 0xfd) { // vectors
    const sub = reader.number()
    product = PRODUCTS.has(sub)
    memory = sub <= 0x0b || (sub >= 0x54 && sub <= 0x5d)
    if (memory) skip(2)
    free = sub === 0x0c
    if (sub === 0x0c || sub === 0x0d) reader.at += 16 // a constant or a shuffle
    if ((sub >= 0x15 && sub <= 0x22) || (sub >= 0x54 && sub <= 0x5b)) reader.at++ // a lane
  } else if (opcode === 0xfe) { // atomics
    const sub = reader.number()
    memory = sub !== 3
    skip(memory ? 2 : 1)
  } else if (memory) {
    skip(2)
  } else if (opcode === 0x43 || opcode === 0x44) { // a float or double
    reader.at += opcode === 0x43 ? 4 : 8
  } else if (opcode === 0x0e) { // a table of branches
    skip(reader.number() + 1)
  } else if (opcode === 0x11) { // an indirect call
    skip(2)
  } else if (opcode === 0x1c) { // a typed select
    skip(reader.number())
  } else if ([0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2].includes(opcode)) {
    skip(1)
  }
  return { opcode, free, product, memory }
}

/**
 * @param {Uint8Array} code a function's body: locals, then instructions
 * @param {number} firstGlobal index of the first counter
 * @returns {number[]}
 */
function countingBody(code, firstGlobal) {
  const reader = new Reader(code)
  for (let left = reader.number(); left > 0; left--) {
    reader.number()
    reader.at++
  }
  const out = [...code.subarray(0, reader.at)]
  let start = reader.at
  let counts = [0, 0, 0]
  while (reader.at < code.length) {
    const at = reader.at
    const { opcode, free, product, memory } = instruction(reader)
    if (!free) counts[0]++
    if (product) counts[1]++
    if (memory) counts[2]++
    if (!ENDS_RUN.has(opcode)) continue
    for (const byte of code.subarray(start, at)) out.push(byte)
    counts.forEach((count, i) => {
      const global = unsigned(firstGlobal + i)
      if (count > 0) out.push(0x23, ...global, 0x42, ...signed(count), 0x7c, 0x24, ...global) // global += count
    })
    counts = [0, 0, 0]
    start = at
  }
  for (const byte of code.subarray(start)) out.push(byte)
  return out
}

/**
 * @param {Uint8Array<ArrayBuffer>} module that imports no globals
 * @returns {Uint8Array<ArrayBuffer>} the same with the counters exported as `count.NAME`, i64
 */
export function countingModule(module) {
  const reader = new Reader(module, 8)
  const out = [...module.subarray(0, 8)]
  let globals = 0
  while (reader.at < module.length) {
    const id = module[reader.at++]
    const end = reader.number() + reader.at
    const content = new Reader(module.subarray(reader.at, end))
    reader.at = end
    /** @type {number[]} */
    let section = [...content.bytes]
    const vector = (/** @type {number} */ count, /** @type {number[]} */ items) => [...unsigned(count), ...items]
    if (id === SECTION.global) {
      globals = content.number()
      const counters = COUNTERS.flatMap(() => [0x7e, 1, 0x42, 0, 0x0b]) // mut i64 = 0
      section = vector(globals + COUNTERS.length, [...content.bytes.subarray(content.at), ...counters])
    } else if (id === SECTION.export) {
      const count = content.number()
      const exported = COUNTERS.flatMap((name, i) => {
        const text = [...new TextEncoder().encode(`count.${name}`)]
        return [...unsigned(text.length), ...text, 3, ...unsigned(globals + i)]
      })
      section = vector(count + COUNTERS.length, [...content.bytes.subarray(content.at), ...exported])
    } else if (id === SECTION.code) {
      const count = content.number()
      section = []
      for (let i = 0; i < count; i++) {
        const length = content.number()
        const body = countingBody(content.bytes.subarray(content.at, content.at + length), globals)
        content.at += length
        section = section.concat(unsigned(body.length), body)
      }
      section = vector(count, section)
    }
    out.push(id, ...unsigned(section.length))
    for (const byte of section) out.push(byte)
  }
  return Uint8Array.from(out)
}
