/**
 * Which of the two modules this host can run, and how it is compiled.
 */
import { LinformerError, show } from '../common/errors.js'

/**
 * @typedef {'relaxed' | 'simd128'} Backend
 * @typedef {'float32' | 'int8'} Precision
 */

/** Module header, one type () -> v128, one function of it, and the start of its code. */
const probe = (/** @type {number[]} */ ...body) => new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // "\0asm", version 1
  1, 5, 1, 0x60, 0, 1, 0x7b, // types: () -> v128
  3, 2, 1, 0, // functions: of type 0
  10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b // code: no locals, body, end
])
const ZERO = [0x41, 0, 0xfd, 0x0f] // i32.const 0, i8x16.splat
const PROBES = {
  relaxed: probe(...ZERO, ...ZERO, ...ZERO, 0xfd, 0x85, 0x02), // f32x4.relaxed_madd
  simd128: probe(...ZERO)
}

/**
 * A function f: () -> i32 that multiplies four values of -128 by 127 with relaxed SIMD's dot product. V8 11 has it behind a
 * flag, and its baseline compiler adds the sum twice.
 */
const DOT_PROBE = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 5, 1, 0x60, 0, 1, 0x7f, // types: () -> i32
  3, 2, 1, 0, // functions: of type 0
  7, 5, 1, 1, 0x66, 0, 0, // exports: f
  10, 24, 1, 22, 0, // code: no locals
  0x41, 0x80, 0x7f, 0xfd, 0x0f, // i32.const -128, i8x16.splat
  0x41, 0xff, 0x00, 0xfd, 0x0f, // i32.const 127, i8x16.splat
  ...ZERO,
  0xfd, 0x93, 0x02, // i32x4.relaxed_dot_i8x16_i7x16_add
  0xfd, 0x1b, 0, 0x0b // i32x4.extract_lane 0, end
])

/** @type {boolean | undefined} */
let dotProductIsRight

function multipliesRight() {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(DOT_PROBE))
    return /** @type {{ f: () => number }} */ (/** @type {unknown} */ (exports)).f() === 4 * -128 * 127
  } catch {
    return false // a host that compiles nothing at run time, as Cloudflare Workers: it cannot be tried there
  }
}

function hasDotProduct() {
  dotProductIsRight ??= WebAssembly.validate(DOT_PROBE) && multipliesRight()
  return dotProductIsRight
}

/**
 * @param {Backend} backend
 * @param {Precision} [precision]
 * @returns {boolean} whether this host compiles its instructions, and computes with them what is specified
 */
export const isSupported = (backend, precision = 'float32') => {
  return WebAssembly.validate(PROBES[backend]) && (backend === 'simd128' || precision === 'float32' || hasDotProduct())
}

/**
 * The fastest backend of this host for a precision, or the one asked for.
 *
 * @param {Backend | undefined} wanted
 * @param {Precision} precision
 * @returns {Backend}
 * @throws {LinformerError} UNSUPPORTED if the host lacks it, or has no SIMD at all; BAD_ARGUMENT for another name
 */
export function chooseBackend(wanted, precision) {
  if (wanted !== undefined && !(typeof wanted === 'string' && Object.hasOwn(PROBES, wanted))) {
    throw new LinformerError('BAD_ARGUMENT', `backend is ${show(wanted)}; it can be 'relaxed' or 'simd128'`)
  }
  const backend = wanted ?? (isSupported('relaxed', precision) ? 'relaxed' : 'simd128')
  if (!isSupported(backend, precision)) {
    const missing = backend === 'simd128' ? 'SIMD' : isSupported('relaxed') ? 'relaxed SIMD with the dot product as it is specified' : 'relaxed SIMD'
    throw new LinformerError('UNSUPPORTED', `this host's WebAssembly has no ${missing}`, { backend, precision })
  }
  return backend
}
