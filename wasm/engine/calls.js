/**
 * One instance of the module in its memory, and calls of the C API of src/linformer.h.
 */
import { LinformerError } from '../common/errors.js'
import { ALIGN, DTYPES, LF, statusName } from './abi.js'

/**
 * @typedef {import('../source/safetensors.js').Tensor} Tensor
 * @typedef {{ __heap_base: WebAssembly.Global, __stack_pointer: WebAssembly.Global }} Globals
 * @typedef {Globals & { [name: string]: (...args: (number | bigint)[]) => number }} Exports the functions of linformer.h; those that
 *   return bytes give a bigint, which Number() takes as well
 *
 * @typedef {object} Staging a piece of the memory through which tensors are handed over
 * @property {number} at
 * @property {number} bytes
 */

export const PAGE = 65536

export const align = (/** @type {number} */ bytes) => Math.ceil(bytes / ALIGN) * ALIGN

/** A tensor that is handed to the engine has its name before it, and its shape. */
const NAME_BYTES = 2 * ALIGN
const STAGING_HEADER = NAME_BYTES + 2 * ALIGN

/** Bytes of a tensor that are handed over at once, where a row is not longer: about a millisecond of packing. */
const PIECE = 2 ** 18

/** What a tensor can be divided into: its rows, or, of one with one dimension, its numbers. @param {Tensor} tensor */
const rowBytes = ({ shape, data }) => data.length / (shape.length === 1 ? shape[0] : shape.slice(0, -1).reduce((a, b) => a * b, 1))

/**
 * Bytes of the staging area for these tensors.
 *
 * @param {Iterable<Tensor>} tensors
 * @param {number} [piece] bytes to be handed over at once, at least
 * @returns {number}
 */
export function stagingFor(tensors, piece = PIECE) {
  let most = 0
  for (const tensor of tensors) most = Math.max(most, Math.min(tensor.data.length, Math.max(piece, rowBytes(tensor))))
  return STAGING_HEADER + align(most)
}

/**
 * @param {WebAssembly.Module} module
 * @param {number} pages
 * @param {boolean} shared whether the module was compiled for a memory that threads share
 * @returns {{ exports: Exports, memory: WebAssembly.Memory }}
 */
export function instantiate(module, pages, shared) {
  /** @type {WebAssembly.Memory} */
  let memory
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared })
  } catch (error) {
    throw new LinformerError('OUT_OF_MEMORY', `this host has no ${pages * PAGE} bytes for the model; set a memoryBudget`, { bytes: pages * PAGE }, { cause: error })
  }
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } })
    if ('__heap_base' in exports && 'lf_head_bytes' in exports) return { exports: /** @type {Exports} */ (/** @type {unknown} */ (exports)), memory }
  } catch (error) {
    if (error instanceof RangeError) throw error // no memory left
    throw otherModule(error)
  }
  throw otherModule()
}

/** @param {unknown} [cause] */
export const otherModule = (cause) => new LinformerError('ENGINE', 'wasm is not the WebAssembly module of this library', {}, { cause })

export const notFinite = () => new LinformerError('NOT_FINITE', 'the model gives a logit that is not a finite number: its weights are too large', {})

export class Calls {
  #exports
  /** @type {unknown} what made the instance unusable */
  #trap = undefined

  /**
   * @param {WebAssembly.Module} module
   * @param {number} pages
   * @param {boolean} shared
   */
  constructor(module, pages, shared) {
    const { exports, memory } = instantiate(module, pages, shared)
    this.#exports = exports
    this.memory = memory
  }

  /** Whether the instance can still be called. */
  get isUsable() {
    return this.#trap === undefined
  }

  /** Makes the instance unusable. @param {unknown} reason */
  stop(reason) {
    this.#trap ??= reason
  }

  /** @param {string} name @param {...(number | bigint)} args @returns {number} what the function returns */
  call(name, ...args) {
    if (this.#trap !== undefined) {
      throw new LinformerError('ENGINE', `the engine stopped in an earlier call (${this.#trap}); load the model again`, {}, { cause: this.#trap })
    }
    try {
      return this.#exports[name](...args)
    } catch (error) {
      this.#trap = error
      throw new LinformerError('ENGINE', `the engine stopped in ${name}: ${error}`, {}, { cause: error })
    }
  }

  /**
   * The same, of a function that returns a pointer: as an i32 it is negative in the upper half of the memory.
   *
   * @param {string} name
   * @param {...(number | bigint)} args
   * @returns {number}
   */
  address(name, ...args) {
    return this.call(name, ...args) >>> 0
  }

  /** The same, of a function that returns an lf_status. @param {string} name @param {...(number | bigint)} args @returns {number} */
  check(name, ...args) {
    const status = this.call(name, ...args)
    if (status === LF.ERROR_VALUE) throw notFinite()
    if (status < 0) throw new LinformerError('ENGINE', `${name} says ${statusName(status)}`, { status })
    return status
  }

  /** @param {number} at @param {Uint8Array} data */
  write(at, data) {
    new Uint8Array(this.memory.buffer, at, data.length).set(data)
  }

  /** @param {number} at @param {ArrayLike<number>} values */
  writeInts(at, values) {
    new Int32Array(this.memory.buffer, at, values.length).set(values)
  }

  /** @param {number} at @param {number} n @returns {Float32Array} a view */
  floats(at, n) {
    return new Float32Array(this.memory.buffer, at, n)
  }

  /**
   * Hands an object of the engine its tensors, piece by piece.
   *
   * @param {'lf_set_tensor' | 'lf_head_set_tensor'} set
   * @param {number} object address
   * @param {Map<string, Tensor>} tensors
   * @param {Staging} staging
   * @param {() => Promise<void>} pause called between slices of work
   * @param {(bytes: number) => void} [progress] called with what has been handed over since the last time
   */
  async setTensors(set, object, tensors, staging, pause, progress = () => {}) {
    // Scales first: an I8 tensor is packed with them.
    const isScale = (/** @type {string} */ name) => name.endsWith('.scale')
    const ordered = [...tensors].sort(([a], [b]) => Number(isScale(b)) - Number(isScale(a)))
    const name = new TextEncoder()
    for (const [tensor, { dtype, shape, data }] of ordered) {
      const row = rowBytes({ dtype, shape, data })
      const most = Math.floor((staging.bytes - STAGING_HEADER) / row) * row
      for (let from = 0; from < data.length; from += most) {
        const piece = data.subarray(from, from + most)
        // All of it each time: while this waits, another may use the staging area.
        this.write(staging.at, name.encode(`${tensor}\0`))
        this.writeInts(staging.at + NAME_BYTES, shape)
        this.write(staging.at + STAGING_HEADER, piece)
        const status = this.call(
          set, object, staging.at, DTYPES.indexOf(dtype), staging.at + NAME_BYTES, shape.length, staging.at + STAGING_HEADER, BigInt(piece.length)
        )
        if (status === LF.ERROR_VALUE) {
          throw new LinformerError('MODEL_TENSOR', `tensor ${tensor} has a value that is not a finite number`, { tensor })
        }
        if (status === LF.ERROR_TOKEN) {
          throw new LinformerError('MODEL_TENSOR', `tensor ${tensor} has ids that do not ascend, or are not in the vocabulary`, { tensor })
        }
        if (status < 0) throw new LinformerError('ENGINE', `${set} says ${statusName(status)} to ${tensor}`, { status, tensor })
        progress(piece.length)
        await pause()
      }
    }
  }
}
