/**
 * Small models for tests of the API, and ways to spoil them.
 */
import { readSafetensors } from 'linformer-wasm'
import { randomModel } from './random-model.js'

/** 300 tokens at most, two layers: classifies in a millisecond. A text has as many tokens as UTF-8 bytes. */
export const tiny = (changes = {}, options = {}) => randomModel({
  n_max: 300, d_model: 16, n_layers: 2, n_heads: 2, d_ff: 24, n_classes: 3, k: [20, 20], ...changes
}, options)

/** The file with its header changed by a function, and the same bytes of tensors. */
export function withHeader(file, change) {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)))
  const text = change(header) ?? JSON.stringify(header)
  const bytes = new TextEncoder().encode(text)
  const out = new Uint8Array(8 + bytes.length + file.length - 8 - length)
  new DataView(out.buffer).setBigUint64(0, BigInt(bytes.length), true)
  out.set(bytes, 8)
  out.set(file.subarray(8 + length), 8 + bytes.length)
  return out
}

/** The file with one field of its config changed. */
export const withConfig = (file, changes) => withHeader(file, (header) => {
  header.__metadata__.config = JSON.stringify({ ...JSON.parse(header.__metadata__.config), ...changes })
})

/** The bytes of one tensor, as a view of the file. */
export function tensorBytes(file, name) {
  return readSafetensors(file).tensors.get(name).data
}
