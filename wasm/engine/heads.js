/**
 * Heads in the engine's memory: where each lies in the room that is planned for them, and what it makes of the runs of a document.
 */
import { LinformerError } from '../common/errors.js'
import { HEAD_CONFIG_FIELDS, DTYPES, LF, POOLING, TILE } from './abi.js'
import { align, notFinite, stagingFor } from './calls.js'
import { tilesOfHeadSlice } from './cost.js'

/**
 * @typedef {import('../source/head.js').Head} Head
 * @typedef {import('../source/safetensors.js').Tensor} Tensor
 * @typedef {import('./calls.js').Calls} Calls
 * @typedef {import('./calls.js').Staging} Staging
 * @typedef {{ from: number, to: number }} Range of tokens
 *
 * @typedef {object} Judgement of one head on a whole document
 * @property {number[]} logits
 * @property {Range[]} evidence with window-max, the window of each class, in tokens; else empty
 * @property {Float32Array | undefined} contributions [tokens, n_classes]: their mean plus the bias is the logit
 *
 * @typedef {object} Run what the heads read
 * @property {number} at address of the lf_run
 * @property {() => number} ids address of its ids, whose memory is free once the document has been read
 * @property {number} capacity tokens that have room there
 */

/** Room for heads in a trunk that has none of its own, unless the caller says: several that were taught. */
export const HEAD_ROOM = 2 ** 20

/** Bytes for handing over a head that is attached: a row, which is that of the widest head and trunk at most, or some. */
export const HEAD_STAGING = stagingFor([{ dtype: 'F32', shape: [1], data: new Uint8Array(2 ** 14) }])

/** Tensors of a head that the engine takes; how typical a document is, is told without it. @param {Head} head */
export const engineTensors = ({ tensors }) => new Map([...tensors].filter(([name]) => !name.startsWith('typicality.')))

/**
 * The fields of an lf_head_config.
 *
 * @param {Head} head
 * @returns {Int32Array}
 */
export function packHeadConfig({ config, tensors }) {
  const { pooling = 'mean', window = 0, words = 0 } = config
  const dtype = tensors.get('words.weight')?.dtype ?? 'F32'
  const values = { ...config, pooling: POOLING.indexOf(pooling), window, words, word_dtype: DTYPES.indexOf(dtype) }
  return Int32Array.from(HEAD_CONFIG_FIELDS, (field) => values[field])
}

const bytesOf = (/** @type {number} */ n) => n.toLocaleString('en-US')

/** A head that has its place. */
export class PlacedHead {
  /** Address of the lf_head; 0 once it is freed. */
  #at

  /**
   * @param {Head} head
   * @param {number} at
   * @param {number} bytes
   */
  constructor(head, at, bytes) {
    this.head = head
    this.#at = at
    this.bytes = bytes
  }

  /**
   * Its address, which whoever waited in between asks for again: another head may lie there by now.
   *
   * @throws {LinformerError} DISPOSED
   */
  get at() {
    if (this.#at === 0) throw new LinformerError('DISPOSED', 'this head has been disposed of')
    return this.#at
  }

  /** It has no place any more. */
  leave() {
    this.#at = 0
  }
}

export class Heads {
  #calls
  #room
  #staging
  /** What is free, by address. @type {{ at: number, bytes: number }[]} */
  #gaps

  /**
   * @param {Calls} calls
   * @param {object} plan
   * @param {number} plan.at address of the room
   * @param {number} plan.bytes of it
   * @param {number} plan.headRoom how much of it was asked for, beside the model's own head
   * @param {Staging} plan.staging for heads that come later
   */
  constructor(calls, { at, bytes, headRoom, staging }) {
    this.#calls = calls
    this.#room = headRoom
    this.#staging = staging
    this.#gaps = bytes === 0 ? [] : [{ at, bytes }]
  }

  /**
   * Gives a head a place, and its tensors.
   *
   * @param {Head} head
   * @param {() => Promise<void>} pause called between slices of work
   * @param {Staging} [staging] while the model is being loaded, a larger one
   * @param {(bytes: number) => void} [progress]
   * @returns {Promise<PlacedHead>}
   * @throws {LinformerError} BUDGET_TOO_SMALL if there is no room for it; MODEL_TENSOR
   */
  async place(head, pause, staging = this.#staging, progress = undefined) {
    const calls = this.#calls
    const config = packHeadConfig(head)
    calls.writeInts(staging.at, config)
    const bytes = align(Number(calls.call('lf_head_bytes', staging.at)))
    const placed = new PlacedHead(head, this.#take(bytes), bytes)
    try {
      calls.check('lf_head_init', placed.at, BigInt(bytes), staging.at)
      await calls.setTensors('lf_head_set_tensor', placed.at, engineTensors(head), staging, pause, progress)
      calls.check('lf_head_ready', placed.at)
      return placed
    } catch (error) {
      this.free(placed)
      throw error
    }
  }

  /** @param {number} bytes @returns {number} address of the first gap that is large enough; what is left of it stays one */
  #take(bytes) {
    const gap = this.#gaps.find((each) => each.bytes >= bytes)
    if (gap === undefined) {
      const free = Math.max(0, ...this.#gaps.map((each) => each.bytes))
      const isEmpty = free >= this.#room
      const left = isEmpty ? '' : `, of which ${bytesOf(free)} are free in one piece`
      const message = `this head takes ${bytesOf(bytes)} bytes, and headRoom is ${bytesOf(this.#room)}${left}: ` +
        `load the trunk with a larger headRoom${isEmpty ? '' : ', or dispose of heads that are not needed'}`
      throw new LinformerError('BUDGET_TOO_SMALL', message, { needed: bytes, headRoom: this.#room, free })
    }
    const { at } = gap
    gap.at += bytes
    gap.bytes -= bytes
    if (gap.bytes === 0) this.#gaps.splice(this.#gaps.indexOf(gap), 1)
    return at
  }

  /** Its place can be another's. Who reads with it learns that it is DISPOSED. @param {PlacedHead} placed */
  free(placed) {
    const { at, bytes } = placed
    placed.leave()
    const gaps = [...this.#gaps, { at, bytes }].sort((a, b) => a.at - b.at)
    this.#gaps = []
    for (const gap of gaps) {
      const before = this.#gaps.at(-1)
      if (before !== undefined && before.at + before.bytes === gap.at) before.bytes += gap.bytes
      else this.#gaps.push(gap)
    }
  }

  /**
   * A head starts on a document.
   *
   * @param {PlacedHead} placed
   * @param {Run} run
   * @param {number} tokens of the document
   * @param {boolean} explained whether contributions are wanted
   */
  begin(placed, run, tokens, explained) {
    return new HeadReading(this.#calls, placed, run, tokens, explained)
  }
}

/** One head on its way through a document. */
class HeadReading {
  #calls
  #placed
  #run
  #classes
  /** Tokens that have been read. */
  #read = 0
  /** @type {Float32Array | undefined} what is summed up for each token, and at the end its contributions */
  #terms
  /** Where the engine has the terms of a tile. */
  #tile = 0

  /**
   * @param {Calls} calls
   * @param {PlacedHead} placed
   * @param {Run} run
   * @param {number} tokens
   * @param {boolean} explained
   */
  constructor(calls, placed, run, tokens, explained) {
    this.#calls = calls
    this.#placed = placed
    this.#run = run
    this.#classes = placed.head.config.n_classes
    if (explained) this.#terms = new Float32Array(tokens * this.#classes)
    calls.check('lf_head_begin', placed.at)
  }

  /**
   * Reads what the run has left: the document's next n tokens.
   *
   * @param {number} n
   * @param {() => Promise<void>} pause called after each slice
   */
  async next(n, pause) {
    const calls = this.#calls
    const placed = this.#placed
    const tiles = tilesOfHeadSlice(placed.head.config)
    calls.check('lf_head_read', placed.at, this.#run.at)
    while (calls.check('lf_head_step', placed.at, tiles) === LF.MORE) await pause()
    if (this.#terms !== undefined) {
      for (let first = 0; first < n; first += TILE) {
        const count = Math.min(TILE, n - first)
        this.#tile = calls.address('lf_head_terms', placed.at, first, count)
        this.#terms.set(calls.floats(this.#tile, count * this.#classes), (this.#read + first) * this.#classes)
        await pause()
      }
    }
    this.#read += n
  }

  /**
   * What the head says of all that it has read. The run's ids are lost.
   *
   * @param {Int32Array} ids of the document
   * @param {() => Promise<void>} pause called after each slice
   * @returns {Promise<Judgement>}
   */
  async finish(ids, pause) {
    const calls = this.#calls
    const classes = this.#classes
    const placed = this.#placed
    const logits = [...calls.floats(calls.address('lf_head_logits', placed.at), classes)]
    const windows = placed.head.config.pooling === 'window-max' ? classes : 0
    const pairs = new Int32Array(calls.memory.buffer, calls.address('lf_head_evidence', placed.at), 2 * windows)
    const evidence = Array.from({ length: windows }, (_, c) => ({ from: pairs[2 * c], to: pairs[2 * c + 1] }))
    const contributions = this.#terms
    const idsAt = this.#run.ids()
    const most = Math.min(TILE, this.#run.capacity)
    for (let first = 0; contributions !== undefined && first < ids.length; first += most) {
      const count = Math.min(most, ids.length - first)
      const tile = calls.floats(this.#tile, count * classes)
      const own = contributions.subarray(first * classes, (first + count) * classes)
      calls.writeInts(idsAt, ids.subarray(first, first + count))
      tile.set(own)
      calls.check('lf_head_contributions', placed.at, idsAt, first, count)
      own.set(tile)
      if (!own.every(Number.isFinite)) throw notFinite()
      await pause()
    }
    return { logits, evidence, contributions }
  }
}
