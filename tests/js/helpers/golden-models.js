/**
 * The models of tests/golden/model and their documents as one file of 32-bit numbers, that C and browsers read without a
 * parser: for each model, in float32 and in int8,
 *
 *     name [64 bytes]   lf_config   lf_head_config   n_tensors   tensors   n_documents   documents
 *     tensor:    name [64 bytes]   dtype   n_dims   shape [3]   bytes   data, padded to whole numbers
 *     document:  n   ids [n]
 */
import { readdirSync } from 'node:fs'
import { configValues, DTYPES, headConfigValues, readSafetensors } from './c-api.js'

const GOLDEN = new URL('../../golden/model/', import.meta.url)

const numbers = (...values) => new Uint8Array(Int32Array.from(values).buffer)

function padded(data, bytes) {
  const out = new Uint8Array(bytes)
  out.set(data)
  return out
}

const name64 = (name) => {
  if (name.length > 63) throw new RangeError(`${name} is longer than 63 bytes`)
  return padded(new TextEncoder().encode(name), 64)
}

/** @returns {Uint8Array} */
export function goldenModels() {
  const parts = []
  for (const file of readdirSync(GOLDEN).filter((name) => name.endsWith('.safetensors')).sort()) {
    const { metadata, tensors } = readSafetensors(new URL(file, GOLDEN))
    const weights = Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith('golden.')))
    const documents = Object.entries(tensors).filter(([name]) => /^golden\.\d+\.ids$/.test(name))
    // Scales first: an I8 tensor is packed with them.
    const names = Object.keys(weights).sort((a, b) => b.endsWith('.scale') - a.endsWith('.scale'))
    for (const precision of ['float32', 'int8']) {
      const config = [configValues, headConfigValues].flatMap((values) => values(JSON.parse(metadata.config), weights, precision))
      parts.push(name64(`${file.slice(0, -'.safetensors'.length)}/${precision}`), numbers(...config), numbers(names.length))
      for (const name of names) {
        const { dtype, shape, data } = weights[name]
        const dimensions = [0, 1, 2].map((i) => shape[i] ?? 0)
        parts.push(name64(name), numbers(DTYPES[dtype], shape.length, ...dimensions, data.length), padded(data, Math.ceil(data.length / 4) * 4))
      }
      parts.push(numbers(documents.length))
      for (const [, { data }] of documents) parts.push(numbers(data.length / 4), data)
    }
  }
  return new Uint8Array(Buffer.concat(parts))
}
