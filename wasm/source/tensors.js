/**
 * Whether the tensors of a file are those that its config asks for.
 */
import { LinformerError } from '../common/errors.js'
import { DTYPES } from '../engine/abi.js'

/** @typedef {import('./safetensors.js').Tensor} Tensor */

const fail = (/** @type {string} */ tensor, /** @type {string} */ message) => {
  return new LinformerError('MODEL_TENSOR', `tensor ${tensor} ${message}`, { tensor })
}

const same = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a.length === b.length && a.every((n, i) => n === b[i])

/**
 * Every tensor there, of a dtype that it can have and of its shape; and none besides.
 *
 * @param {Map<string, number[]>} shapes
 * @param {Map<string, Tensor>} tensors
 * @param {string} what the file holds, for messages
 * @throws {LinformerError} MODEL_TENSOR
 */
export function checkTensors(shapes, tensors, what) {
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw fail(name, `, [${shape.join(', ')}], is missing`)
    const dtypes = name === 'words.ids' ? ['I32'] : DTYPES.slice(0, shape.length === 1 ? 2 : 3)
    if (!dtypes.includes(tensor.dtype)) throw fail(name, `has dtype ${tensor.dtype}; it can be ${dtypes.join(', ')}`)
    if (!same(tensor.shape, shape)) throw fail(name, `has shape [${tensor.shape.join(', ')}]; the config asks for [${shape.join(', ')}]`)
    const scale = tensors.get(`${name}.scale`)
    if (tensor.dtype === 'I8' && scale === undefined) throw fail(name, `is I8, and ${name}.scale is missing`)
    if (scale === undefined) continue
    const rows = shape.slice(0, -1)
    if (tensor.dtype !== 'I8') throw fail(`${name}.scale`, `belongs to a tensor of dtype ${tensor.dtype}; only I8 has scales`)
    if (scale.dtype !== 'F32' || !same(scale.shape, rows)) {
      throw fail(`${name}.scale`, `is ${scale.dtype} [${scale.shape.join(', ')}]; it has to be F32 [${rows.join(', ')}]`)
    }
  }
  for (const name of tensors.keys()) {
    if (!shapes.has(name) && !(name.endsWith('.scale') && shapes.has(name.slice(0, -6)))) {
      throw fail(name, `is not one that ${what} of this config has`)
    }
  }
}
