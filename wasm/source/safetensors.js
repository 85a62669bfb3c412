/**
 * The container: a .safetensors file, read with every field checked, and written.
 *
 * 8 bytes header length (little-endian), a header in JSON, then the tensors' bytes. Every tensor has a dtype, a shape
 * and the range of its bytes; the ranges lie one after another and fill the rest of the file.
 */
import { LinformerError, show } from '../common/errors.js'
import { refuseSubstitute } from './fetch.js'

/**
 * @typedef {object} Tensor
 * @property {string} dtype 'F32', 'F16', 'I8', 'U8', 'U32', ...
 * @property {number[]} shape
 * @property {Uint8Array} data a view of the file
 */

/** Longest header taken: far more than any model of this engine needs. */
const HEADER_LIMIT = 4 * 2 ** 20

/** Most tensors: a model of 32 layers has 1,200 at most, with the scales. */
const TENSOR_LIMIT = 4096

const DTYPE_BYTES = new Map([
  ['BOOL', 1], ['U8', 1], ['I8', 1], ['U16', 2], ['I16', 2], ['F16', 2], ['BF16', 2], ['U32', 4], ['I32', 4],
  ['F32', 4], ['U64', 8], ['I64', 8], ['F64', 8]
])

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
/** @param {unknown} value @returns {value is number[]} */
const areSizes = (value) => Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)

/** @param {unknown} value @returns {Uint8Array | undefined} its bytes, if any are left */
function bytesOf(value) {
  try {
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    if (/ArrayBuffer\]$/.test(Object.prototype.toString.call(value))) return new Uint8Array(/** @type {ArrayBuffer} */ (value))
  } catch {}
}

/**
 * @param {unknown} dtype
 * @param {unknown} shape
 * @param {number} bytes
 * @param {(message: string) => LinformerError} wrong
 * @returns {{ dtype: string, shape: number[] }}
 */
function checkSize(dtype, shape, bytes, wrong) {
  const size = typeof dtype === 'string' ? DTYPE_BYTES.get(dtype) : undefined
  if (typeof dtype !== 'string' || size === undefined) throw wrong(`dtype ${show(dtype)} is unknown`)
  if (!areSizes(shape)) throw wrong(`shape ${show(shape)} is not a list of sizes`)
  const needed = shape.reduce((product, n) => product * n, size)
  if (bytes !== needed) throw wrong(`${bytes} bytes for dtype ${dtype} and shape ${show(shape)}, which take ${needed}`)
  return { dtype, shape }
}

/** @param {Tensor | undefined} tensor @param {(message: string) => LinformerError} wrong @returns {Tensor} */
function checkTensor(tensor, wrong) {
  const data = bytesOf(tensor?.data)
  if (!tensor || !data) throw wrong('its data is not bytes')
  return { ...checkSize(tensor.dtype, tensor.shape, data.length, wrong), data }
}

const badArgument = (/** @type {string} */ message, details = {}) => new LinformerError('BAD_ARGUMENT', message, details)

/**
 * @param {Uint8Array | ArrayBuffer | ArrayBufferView} bytes
 * @param {string} [name] of the file, for messages
 * @returns {{ metadata: Record<string, string>, tensors: Map<string, Tensor> }}
 * @throws {LinformerError} BAD_ARGUMENT, MODEL_TRUNCATED if bytes are missing at the end, MODEL_FORMAT or MODEL_TENSOR otherwise
 */
export function readSafetensors(bytes, name = 'the file') {
  const file = bytesOf(bytes)
  if (file === undefined) throw badArgument(`${name} has to be bytes, not ${show(bytes)}`)
  const bad = (/** @type {string} */ message, details = {}) => {
    return new LinformerError('MODEL_FORMAT', `${name} is not a .safetensors file: ${message}`, { source: name, ...details })
  }
  const truncated = (/** @type {number} */ expected) => {
    const message = `${name} is cut short: it has ${file.length} bytes and should have ${expected} or more`
    return new LinformerError('MODEL_TRUNCATED', message, { source: name, bytes: file.length, expected })
  }
  refuseSubstitute(file, name)
  if (file.length < 8) throw truncated(8)
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true))
  if (headerBytes > HEADER_LIMIT || headerBytes < 2) {
    throw bad(`its first 8 bytes say that the header has ${headerBytes} bytes; 2 to ${HEADER_LIMIT} are possible`)
  }
  if (file.length < 8 + headerBytes) throw truncated(8 + headerBytes)

  /** @type {unknown} */
  let header
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, 8 + headerBytes)))
  } catch (error) {
    throw bad(`the header is not JSON (${error instanceof Error ? error.message : error})`)
  }
  if (!isObject(header)) throw bad('the header is not a JSON object')
  const { __metadata__: metadata = {}, ...entries } = header
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw bad('__metadata__ is not an object of strings')
  }
  const strings = /** @type {Record<string, string>} */ (metadata)

  const count = Object.keys(entries).length
  if (count > TENSOR_LIMIT) throw bad(`it has ${count} tensors; ${TENSOR_LIMIT} are possible`)

  const start = 8 + headerBytes
  const ranges = Object.entries(entries).map(([key, entry]) => {
    const wrong = (/** @type {string} */ message) => {
      return new LinformerError('MODEL_TENSOR', `tensor ${show(key)} of ${name}: ${message}`, { tensor: key })
    }
    if (!isObject(entry)) throw wrong('its description is not an object')
    const { data_offsets: offsets } = entry
    if (!areSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
      throw wrong(`data_offsets ${show(offsets)} are not two ascending numbers`)
    }
    return { key, ...checkSize(entry.dtype, entry.shape, offsets[1] - offsets[0], wrong), from: offsets[0], to: offsets[1], wrong }
  })
  ranges.sort((a, b) => a.from - b.from || a.to - b.to)
  let at = 0
  for (const { from, to, wrong } of ranges) {
    if (from !== at) throw wrong(`its bytes start at ${from}, and those of the tensor before it end at ${at}`)
    at = to
  }
  if (file.length < start + at) throw truncated(start + at)
  if (file.length > start + at) throw bad(`${file.length - start - at} bytes follow the last tensor`)
  const tensors = new Map(ranges.map(({ key, dtype, shape, from, to }) => {
    return [key, { dtype, shape, data: file.subarray(start + from, start + to) }]
  }))
  return { metadata: strings, tensors }
}

/**
 * A .safetensors file. The same tensors and metadata give the same bytes.
 *
 * @param {Iterable<[string, Tensor]>} tensors in this order
 * @param {Record<string, string>} metadata
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {LinformerError} BAD_ARGUMENT for what could not be read again
 */
export function writeSafetensors(tensors, metadata = {}) {
  if (typeof tensors?.[Symbol.iterator] !== 'function') throw badArgument(`tensors is ${show(tensors)}, not a Map or pairs`)
  if (!isObject(metadata)) throw badArgument(`metadata is ${show(metadata)}, not an object`)
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined && typeof value !== 'string') throw badArgument(`metadata ${show(key)} is ${show(value)}, not a string`)
  }
  /** @type {Record<string, unknown>} */
  const header = { __proto__: null, __metadata__: metadata }
  const parts = []
  let at = 0
  for (const entry of tensors) {
    const [name, tensor] = Array.isArray(entry) ? entry : []
    if (typeof name !== 'string' || name === '__metadata__') throw badArgument(`a tensor cannot be called ${show(name)}`)
    const wrong = (/** @type {string} */ message) => badArgument(`tensor ${show(name)}: ${message}`, { tensor: name })
    if (name in header) throw wrong('it is there twice')
    const { dtype, shape, data } = checkTensor(tensor, wrong)
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] }
    parts.push({ at, data })
    at += data.length
  }
  if (parts.length > TENSOR_LIMIT) throw badArgument(`${parts.length} tensors; ${TENSOR_LIMIT} are possible`)
  const text = JSON.stringify(header)
  // Spaces make it a multiple of 8 bytes, so that readers which map the file find the first tensor aligned.
  const bytes = new TextEncoder().encode(text)
  const start = 8 + Math.ceil(bytes.length / 8) * 8
  if (start - 8 > HEADER_LIMIT) {
    throw badArgument(`what describes the model (labels, name, licence, report) needs ${start - 8} bytes; at most ${HEADER_LIMIT} are possible`, { bytes: start - 8, limit: HEADER_LIMIT })
  }
  const file = new Uint8Array(start + at).fill(0x20, 8, start)
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true)
  file.set(bytes, 8)
  for (const { at, data } of parts) file.set(data, start + at)
  return file
}

/** @param {number} bits of an IEEE 754 half @returns {number} */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  return exponent === 0x1f ? (fraction ? NaN : sign * Infinity) : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/**
 * The numbers in a tensor: F32, F16 or I8 with its NAME.scale as floats, other dtypes as they are.
 *
 * @param {Map<string, Tensor>} tensors
 * @param {string} name
 * @returns {Float32Array | Int32Array | Uint32Array | Uint8Array} a copy
 * @throws {LinformerError} MODEL_TENSOR if there is no such tensor, or it is not one of these; BAD_ARGUMENT
 */
export function tensorValues(tensors, name) {
  if (typeof tensors?.get !== 'function') throw badArgument(`tensors is ${show(tensors)}, not a Map`)
  const tensor = tensors.get(name)
  if (tensor === undefined) throw new LinformerError('MODEL_TENSOR', `tensor ${name} is missing`, { tensor: name })
  const wrong = (/** @type {string} */ message) => new LinformerError('MODEL_TENSOR', `tensor ${name}: ${message}`, { tensor: name })
  const { dtype, shape, data } = checkTensor(tensor, wrong)
  const { buffer } = new Uint8Array(data) // a copy, and so aligned
  switch (dtype) {
    case 'F32': return new Float32Array(buffer)
    case 'F16': return Float32Array.from(new Uint16Array(buffer), half)
    case 'I32': return new Int32Array(buffer)
    case 'U32': return new Uint32Array(buffer)
    case 'U8': return new Uint8Array(buffer)
    case 'I8': {
      const scales = tensorValues(tensors, `${name}.scale`)
      const columns = shape[shape.length - 1]
      const quantised = new Int8Array(buffer)
      if (scales.length * columns !== quantised.length) throw wrong(`its scale has ${scales.length} numbers, not one a row`)
      const values = new Float32Array(quantised.length)
      for (let row = 0, i = 0; row < scales.length; row++) {
        for (const end = i + columns; i < end; i++) values[i] = quantised[i] * scales[row]
      }
      return values
    }
    default: throw new LinformerError('MODEL_TENSOR', `tensor ${name} is ${dtype}; its numbers are not read`, { tensor: name, dtype })
  }
}
