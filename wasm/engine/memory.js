/**
 * The plan of the linear memory: made before it exists, never changed after.
 *
 *     0 .. static      the module's own stack and data, and the stacks of other threads
 *     tokenizer        lf_tokenizer
 *     weights          lf_model, lf_head
 *     workspace        lf_run with room for `capacity` tokens; while loading, room for the tensor that is being set
 */
import { LinformerError } from '../common/errors.js'
import { checkOperations, operationsOf } from './cost.js'
import { ALIGN } from './abi.js'
import { THREAD_STACK } from './threads.js'

/**
 * @typedef {import('../source/model.js').Model} Model
 * @typedef {import('./instance.js').Exports} Exports
 * @typedef {import('../index.js').MemoryReport} MemoryReport
 *
 * @typedef {object} Plan
 * @property {number} pages size of the memory
 * @property {{ stacks: number, tokenizer: number, weights: number, head: number, workspace: number }} at addresses
 * @property {MemoryReport} report
 */

export const PAGE = 65536

/** A tensor that is handed to the engine has its name before it, and its shape. */
export const NAME_BYTES = 2 * ALIGN
export const STAGING_HEADER = NAME_BYTES + 2 * ALIGN


/** One page less than 4 GiB, so that a stack that runs off address 0 cannot come round to a page that exists. */
const MAX_PAGES = 65535

/** Fewest tokens that a plan is made for, if the model has that many. */
const LEAST_CAPACITY = 64

export const align = (/** @type {number} */ bytes) => Math.ceil(bytes / ALIGN) * ALIGN

const bytes = (/** @type {number} */ n) => n.toLocaleString('en-US')

/**
 * The tensors that the engine is given: it has a head of its own, which for a trunk alone is empty.
 *
 * @param {Model} model
 * @returns {Map<string, import('../source/safetensors.js').Tensor>}
 */
export function engineTensors({ config, head, weights }) {
  if (head !== undefined) return new Map([...weights, ...[...head.tensors].filter(([name]) => name.startsWith('head.'))])
  const zeros = (/** @type {number[]} */ ...shape) => ({ dtype: 'F32', shape, data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)) })
  return new Map([...weights, ['head.weight', zeros(1, config.d_model)], ['head.bias', zeros(1)]])
}

/**
 * Bytes of the staging area: the largest thing that is handed to the engine at once, beside its name and shape.
 *
 * @param {Model} model
 */
function stagingBytes(model) {
  const { tokenizer } = model
  const largest = Math.max(...[...engineTensors(model).values()].map(({ data }) => data.length))
  const tables = [tokenizer.vocab, tokenizer.offsets, tokenizer.merges].reduce((sum, { data }) => sum + align(data.length), 0)
  return Math.max(align(largest) + STAGING_HEADER, tables)
}

/**
 * Asks the engine for its sizes; each counts by the same code that later lays out the memory.
 *
 * @param {Exports} planner an instance of the module, with the configs at their addresses
 * @param {number} config address
 * @param {number} headConfig address
 * @param {Model} model
 * @param {number} threads that share the run
 */
export function createPlanner(planner, config, headConfig, model, threads) {
  const { tokenizer } = model
  const stacks = align(Number(planner.__heap_base.value))
  const sizes = {
    static: stacks + (threads - 1) * THREAD_STACK,
    tokenizer: Number(planner.lf_tokenizer_bytes(tokenizer.offsets.shape[0] - 1, tokenizer.merges.shape[0], tokenizer.vocab.shape[0])),
    weights: Number(planner.lf_model_bytes(config)) + Number(planner.lf_head_bytes(headConfig))
  }
  const head = sizes.static + sizes.tokenizer + Number(planner.lf_model_bytes(config))
  if (sizes.tokenizer === 0) {
    throw new LinformerError('MODEL_TENSOR', `the tokenizer has ${tokenizer.offsets.shape[0] - 1} tokens in ${tokenizer.vocab.shape[0]} bytes and ${tokenizer.merges.shape[0]} merges; it can have 256 to 2^20 tokens in 2^26 bytes and 2^20 merges`)
  }
  if (Number(planner.lf_model_bytes(config)) === 0 || Number(planner.lf_head_bytes(headConfig)) === 0) throw new LinformerError('MODEL_CONFIG', 'the engine refuses this config', { config: model.config })
  const staging = stagingBytes(model)
  const fixed = sizes.static + sizes.tokenizer + sizes.weights

  /** @param {number} capacity @returns {Plan} */
  const planFor = (capacity) => {
    const needed = Number(planner.lf_workspace_bytes(config, capacity, threads))
    const workspace = Math.max(needed, staging)
    const pages = Math.ceil((fixed + workspace) / PAGE)
    return {
      pages,
      at: { stacks, tokenizer: sizes.static, weights: sizes.static + sizes.tokenizer, head, workspace: fixed },
      report: { total: pages * PAGE, budget: undefined, ...sizes, workspace, capacity, operations: operationsOf(model.config, capacity) }
    }
  }
  return planFor
}

/**
 * The plan with the largest capacity that fits.
 *
 * @param {(capacity: number) => Plan} planFor
 * @param {number} nMax
 * @param {{ memoryBudget?: number, maxTokens?: number, maxOperations?: number }} options
 * @returns {Plan}
 * @throws {LinformerError} BUDGET_TOO_SMALL if not even the least capacity fits
 */
export function choosePlan(planFor, nMax, { memoryBudget, maxTokens, maxOperations }) {
  const most = Math.min(nMax, maxTokens ?? nMax)
  const least = Math.min(LEAST_CAPACITY, most)
  const limit = Math.min(memoryBudget ?? Infinity, MAX_PAGES * PAGE)
  const fits = (/** @type {number} */ capacity) => planFor(capacity).report.total <= limit
  if (!fits(least)) {
    const needed = planFor(least).report.total
    const what = memoryBudget !== undefined && memoryBudget <= MAX_PAGES * PAGE ? 'the memory budget' : 'the limit of WebAssembly memory'
    throw new LinformerError(
      'BUDGET_TOO_SMALL', `${what} is ${bytes(limit)} bytes; this model needs ${bytes(needed)} for ${least} tokens`,
      { budget: limit, needed, capacity: least }
    )
  }
  let low = least
  let high = most
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  const plan = planFor(low)
  plan.report.budget = memoryBudget
  checkOperations(plan.report, { maxOperations })
  return plan
}
