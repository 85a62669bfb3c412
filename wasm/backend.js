/**
 * Which of the two modules this host can run, and how it is compiled.
 */
import { LinformerError, show } from './errors.js'

/** @typedef {'relaxed' | 'simd128'} Backend */

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
 * @param {Backend} backend
 * @returns {boolean} whether this host compiles its instructions
 */
export const isSupported = (backend) => WebAssembly.validate(PROBES[backend])

/**
 * The fastest backend of this host, or the one asked for.
 *
 * @param {Backend} [wanted]
 * @returns {Backend}
 * @throws {LinformerError} UNSUPPORTED if the host lacks it, or has no SIMD at all; BAD_ARGUMENT for another name
 */
export function chooseBackend(wanted) {
  if (wanted !== undefined && !(typeof wanted === 'string' && Object.hasOwn(PROBES, wanted))) {
    throw new LinformerError('BAD_ARGUMENT', `backend is ${show(wanted)}; it can be 'relaxed' or 'simd128'`)
  }
  const backend = wanted ?? (isSupported('relaxed') ? 'relaxed' : 'simd128')
  if (!isSupported(backend)) {
    const missing = backend === 'relaxed' ? 'relaxed SIMD' : 'SIMD'
    throw new LinformerError('UNSUPPORTED', `this host's WebAssembly has no ${missing}`, { backend })
  }
  return backend
}
