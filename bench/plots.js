/**
 * The plots of a comparison.
 */
import { plot } from './plot.js'
import { variantName } from './report.js'
import { summarise } from './statistics.js'

/**
 * @param {string} hostName
 * @param {import('./rounds.js').Measured[][]} lengths
 * @returns {[string, string][]} name and SVG
 */
export function plots(hostName, lengths) {
  /** One thread of each engine and model, and the fastest of this engine's. */
  const shown = lengths[0].filter(({ variant }) => variant.backend !== 'simd128' &&
    (variant.threads === 1 || (variant.engine === 'linformer-wasm' && variant.shape.attention === 'linformer')))
  /** @param {(measured: import('./rounds.js').Measured) => number | undefined} of @returns {import('./plot.js').Series[]} */
  const series = (of) => shown.map(({ variant }) => ({
    name: variantName(variant).replace('onnxruntime-web', 'ort').replace('linformer-wasm', 'ours').replace(' relaxed', ''),
    dashed: variant.engine !== 'linformer-wasm',
    points: lengths.flatMap((measured) => {
      const same = measured.find((other) => variantName(other.variant) === variantName(variant))
      const value = same && of(same)
      return value === undefined ? [] : [/** @type {[number, number]} */ ([measured[0].variant.shape.n_max, value])]
    })
  }))
  const time = series(({ times }) => times.length === 0 ? undefined : summarise(times).median)
  const memory = series(({ memory: bytes }) => bytes === undefined ? undefined : bytes / 2 ** 20)
  return [
    ['time', plot({ title: `${hostName}: time of one document`, x: 'tokens', y: 'milliseconds', series: time })],
    ['memory', plot({ title: `${hostName}: linear memory`, x: 'tokens', y: 'MiB', series: memory })]
  ]
}
