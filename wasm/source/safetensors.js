/**
 * The container: a .safetensors file, checked field by field.
 *
 * 8 bytes header length (little-endian), a header in JSON, then the tensors' bytes. Every tensor has a dtype, a shape
 * and the range of its bytes; the ranges lie one after another and fill the rest of the file.
 */
import { LinformerError, show } from '../common/errors.js'
import { refuseHtml } from './fetch.js'

/**
 * @typedef {object} Tensor
 * @property {string} dtype 'F32', 'F16', 'I8', 'U8', 'U32', ...
 * @property {number[]} shape
 * @property {Uint8Array} data a view of the file
 */

/** Longest header taken: far more than any model of this engine needs. */
const HEADER_LIMIT = 16 * 2 ** 20

const DTYPE_BYTES = new Map([
  ['BOOL', 1], ['U8', 1], ['I8', 1], ['U16', 2], ['I16', 2], ['F16', 2], ['BF16', 2], ['U32', 4], ['I32', 4],
  ['F32', 4], ['U64', 8], ['I64', 8], ['F64', 8]
])

const isObject = (/** @type {unknown} */ value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isSize = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0

/**
 * @param {Uint8Array} file
 * @param {string} name of the file, for messages
 * @returns {{ metadata: Record<string, string>, tensors: Map<string, Tensor> }}
 * @throws {LinformerError} MODEL_TRUNCATED if bytes are missing at the end, MODEL_FORMAT or MODEL_TENSOR otherwise
 */
export function parseSafetensors(file, name) {
  const bad = (/** @type {string} */ message, details = {}) => {
    return new LinformerError('MODEL_FORMAT', `${name} is not a .safetensors file: ${message}`, { source: name, ...details })
  }
  const truncated = (/** @type {number} */ expected) => {
    const message = `${name} is cut short: it has ${file.length} bytes and should have ${expected} or more`
    return new LinformerError('MODEL_TRUNCATED', message, { source: name, bytes: file.length, expected })
  }
  refuseHtml(file, name)
  if (file.length < 8) throw truncated(8)
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true))
  if (headerBytes > HEADER_LIMIT || headerBytes < 2) {
    throw bad(`its first 8 bytes say that the header has ${headerBytes} bytes; 2 to ${HEADER_LIMIT} are possible`)
  }
  if (file.length < 8 + headerBytes) throw truncated(8 + headerBytes)

  /** @type {any} */
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

  const start = 8 + headerBytes
  const ranges = Object.entries(entries).map(([key, entry]) => {
    const wrong = (/** @type {string} */ message) => {
      return new LinformerError('MODEL_TENSOR', `tensor ${show(key)} of ${name}: ${message}`, { tensor: key })
    }
    if (!isObject(entry)) throw wrong('its description is not an object')
    const { dtype, shape, data_offsets: offsets } = entry
    const size = DTYPE_BYTES.get(dtype)
    if (size === undefined) throw wrong(`dtype ${show(dtype)} is unknown`)
    if (!Array.isArray(shape) || !shape.every(isSize)) throw wrong(`shape ${show(shape)} is not a list of sizes`)
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1]) {
      throw wrong(`data_offsets ${show(offsets)} are not two ascending numbers`)
    }
    const needed = shape.reduce((product, n) => product * n, size)
    if (offsets[1] - offsets[0] !== needed) {
      throw wrong(`${offsets[1] - offsets[0]} bytes for dtype ${dtype} and shape ${show(shape)}, which take ${needed}`)
    }
    return { key, dtype, shape, from: offsets[0], to: offsets[1], wrong }
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
  return { metadata, tensors }
}
