/**
 * What one core can do: loops of nothing but multiply-adds on registers, in WebAssembly, compiled by the same engine.
 *
 * Twelve independent chains hide the latency and stay in the sixteen registers of x86-64. Each product has the chain's
 * own value as an operand and each chain starts from another, so that the compiler can neither share work nor move it.
 */
import { writeFile } from 'node:fs/promises'
import { peer } from './install.js'
import { fileAt } from './files.js'

const CHAINS = 12
const UNROLLED = 4

/** Name, the WAT of one step of a chain, multiply-adds of that step. `$acc` is the chain, `$x` and `$y` never change. */
export const KERNELS = /** @type {const} */ ([
  ['float32 simd128', '(f32x4.add (f32x4.mul (local.get $acc) (local.get $x)) (local.get $y))', 4],
  ['float32 relaxed', '(f32x4.relaxed_madd (local.get $acc) (local.get $x) (local.get $y))', 4],
  ['int8 simd128', '(i32x4.add (i32x4.dot_i16x8_s (local.get $acc) (local.get $x)) (local.get $acc))', 8],
  ['int8 relaxed', '(i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get $x) (local.get $y) (local.get $acc))', 16],
  // What the kernels do without AVX-VNNI: V8 would make the vector of ones of the second product anew each time.
  ['int8 relaxed, by pairs', '(i32x4.add (local.get $acc) (i32x4.dot_i16x8_s (i16x8.relaxed_dot_i8x16_i7x16_s (local.get $acc) (local.get $x)) (local.get $y)))', 16]
])

/**
 * The peak of the instructions that a variant may use.
 *
 * @param {Record<string, number>} peaks
 * @param {string} name as 'int8 relaxed'
 */
export const peakOf = (peaks, name) => Math.max(peaks[name], peaks[`${name}, by pairs`] ?? 0)

/** @param {string} step */
function kernelText(step) {
  const chains = Array.from({ length: CHAINS }, (_, i) => `$acc${i}`)
  const steps = chains.map((chain) => `(local.set ${chain} ${step.replaceAll('$acc', chain)})`).join('\n')
  return `(module (func (export "run") (param $left i32) (result i32)
    (local $x v128) (local $y v128) ${chains.map((chain) => `(local ${chain} v128)`).join(' ')}
    (local.set $x (f32x4.splat (f32.convert_i32_s (i32.shr_u (local.get $left) (i32.const 31)))))
    (local.set $y (local.get $x))
    ${chains.map((chain, i) => `(local.set ${chain} (i32x4.splat (i32.const ${i})))`).join(' ')}
    (loop $again
      ${new Array(UNROLLED).fill(steps).join('\n')}
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (v128.any_true ${chains.slice(1).reduce((sum, chain) => `(v128.xor ${sum} (local.get ${chain}))`, '(local.get $acc0)')})))`
}

/**
 * @param {import('./hosts.js').Host} host
 * @returns {Promise<Record<string, number>>} operations a second of each kernel, a multiply-add being two; 0: not here
 */
export async function measurePeaks(host) {
  const wabt = await (await peer('wabt')).default()
  /** @type {Record<string, number>} */
  const peaks = {}
  for (const [name, step, multiplyAdds] of KERNELS) {
    const module = wabt.parseWat(name, kernelText(step), { simd: true, relaxed_simd: true })
    const file = fileAt(`peak-${name.replaceAll(/\W+/g, '-')}.wasm`)
    await writeFile(file, module.toBinary({}).buffer)
    const worker = await host.start()
    const { perSecond } = await worker.ask({ type: 'peak', file, operations: 2 * multiplyAdds * CHAINS * UNROLLED }, 60_000)
    peaks[name] = perSecond ?? 0
    await worker.stop()
  }
  return peaks
}
