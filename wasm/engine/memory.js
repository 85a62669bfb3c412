/**
 * The plan of the linear memory: made before it exists, never changed after.
 *
 *     0 .. static      the module's own stack and data, and the stacks of other threads
 *     tokenizer        lf_tokenizer
 *     weights          lf_model
 *     heads            the model's own lf_head, room for those that are attached, and for handing those over
 *     workspace        lf_run with room for `capacity` tokens; while loading, room for what is being handed over
 */
import { LinformerError } from '../common/errors.js'
import { ALIGN } from './abi.js'
import { checkOperations, operationsOf } from './cost.js'
import { PAGE, align, stagingFor } from './calls.js'
import { HEAD_ROOM, HEAD_STAGING, engineTensors } from './heads.js'
import { THREAD_STACK } from './threads.js'

/**
 * @typedef {import('../source/model.js').Model} Model
 * @typedef {import('./calls.js').Exports} Exports
 * @typedef {import('./calls.js').Staging} Staging
 * @typedef {import('../index.js').MemoryReport} MemoryReport
 *
 * @typedef {object} Plan
 * @property {number} pages size of the memory
 * @property {{ stacks: number, tokenizer: number, weights: number, heads: number, workspace: number }} at addresses
 * @property {Staging} loading where tensors are handed over while the model is loaded
 * @property {{ at: number, bytes: number, headRoom: number, staging: Staging }} heads the room for them, as heads.js takes it
 * @property {MemoryReport} report
 */

/** One page less than 4 GiB, so that a stack that runs off address 0 cannot come round to a page that exists. */
const MAX_PAGES = 65535

/** Fewest tokens that a plan is made for, if the model has that many. */
const LEAST_CAPACITY = 64

const bytes = (/** @type {number} */ n) => n.toLocaleString('en-US')

/** Bytes for heads that are attached, unless the caller says. @param {Model} model */
export const defaultHeadRoom = ({ head }) => head === undefined ? HEAD_ROOM : 0

/**
 * Bytes of the staging area while the model is loaded: the largest thing that is handed to the engine at once.
 *
 * @param {Model} model
 */
function stagingBytes({ tokenizer, weights, head }) {
  const tables = [tokenizer.vocab, tokenizer.offsets, tokenizer.merges].reduce((sum, { data }) => sum + align(data.length), 0)
  return Math.max(stagingFor([...weights.values(), ...head ? engineTensors(head).values() : []]), tables)
}

/**
 * Asks the engine for its sizes; each counts by the same code that later lays out the memory.
 *
 * @param {Exports} planner an instance of the module, with the configs at their addresses
 * @param {number} config address
 * @param {number} headConfig address
 * @param {Model} model
 * @param {{ threads: number, headRoom: number | undefined }} options threads that share the run, and bytes for heads
 */
export function createPlanner(planner, config, headConfig, model, { threads, headRoom: wanted }) {
  const { tokenizer, head } = model
  const stacks = align(Number(planner.__heap_base.value))
  const own = head === undefined ? 0 : align(Number(planner.lf_head_bytes(headConfig)))
  const headRoom = wanted ?? defaultHeadRoom(model)
  const staging = headRoom > 0 ? HEAD_STAGING : ALIGN // without room, a head's config goes there, to be told how large it would be
  const sizes = {
    static: stacks + (threads - 1) * THREAD_STACK,
    tokenizer: Number(planner.lf_tokenizer_bytes(tokenizer.offsets.shape[0] - 1, tokenizer.merges.shape[0], tokenizer.vocab.shape[0])),
    weights: Number(planner.lf_model_bytes(config)),
    heads: own + align(headRoom) + staging
  }
  if (sizes.tokenizer === 0) {
    throw new LinformerError('MODEL_TENSOR', `the tokenizer has ${tokenizer.offsets.shape[0] - 1} tokens in ${tokenizer.vocab.shape[0]} bytes and ${tokenizer.merges.shape[0]} merges; it can have 256 to 2^20 tokens in 2^26 bytes and 2^20 merges`)
  }
  if (sizes.weights === 0 || (head !== undefined && own === 0)) throw new LinformerError('MODEL_CONFIG', 'the engine refuses this config', { config: model.config })
  const loading = stagingBytes(model)
  const weights = sizes.static + sizes.tokenizer
  const heads = weights + sizes.weights
  const fixed = heads + sizes.heads

  /** @param {number} capacity @returns {Plan} */
  const planFor = (capacity) => {
    const needed = Number(planner.lf_workspace_bytes(config, capacity, threads))
    const workspace = Math.max(needed, loading)
    const pages = Math.ceil((fixed + workspace) / PAGE)
    return {
      pages,
      at: { stacks, tokenizer: sizes.static, weights, heads, workspace: fixed },
      loading: { at: fixed, bytes: loading },
      heads: { at: heads, bytes: own + align(headRoom), headRoom, staging: { at: fixed - staging, bytes: staging } },
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
    const { heads: { headRoom }, report: { total: needed } } = planFor(least)
    const rooms = headRoom > 0 ? `, headRoom of ${bytes(headRoom)} among them` : ''
    const what = memoryBudget !== undefined && memoryBudget <= MAX_PAGES * PAGE ? 'the memory budget' : 'the limit of WebAssembly memory'
    throw new LinformerError(
      'BUDGET_TOO_SMALL', `${what} is ${bytes(limit)} bytes; this model needs ${bytes(needed)} for ${least} tokens${rooms}`,
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
