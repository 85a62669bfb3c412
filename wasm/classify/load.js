/**
 * From a source to a classifier.
 */
import { abortable, LinformerError, nameOf, namingMemory, show, throwIfAborted } from '../common/errors.js'
import { isA } from '../common/kinds.js'
import { createPause } from '../common/pause.js'
import { MAX_THREADS, PRECISIONS } from '../engine/abi.js'
import { chooseBackend } from '../engine/backend.js'
import { otherModule } from '../engine/calls.js'
import { checkOperations, headOperations } from '../engine/cost.js'
import { Engine, headBytes, plannerFor } from '../engine/instance.js'
import { choosePlan, defaultHeadRoom } from '../engine/memory.js'
import { canShareMemory, withSharedMemory } from '../engine/threads.js'
import { withAdvice } from '../hosts/shipped.js'
import { checkHub, isAddress, modelAddress } from '../source/address.js'
import { cached, cacheKey, openCache as openWebCache } from '../source/cache.js'
import { completeModel } from '../source/export.js'
import { fetchBytes, readSource } from '../source/fetch.js'
import { checkFit } from '../source/head.js'
import { checkIntegrity, checkIntegrityOption, digestOf } from '../source/integrity.js'
import { asModel, headAlone, parseFile } from '../source/model.js'
import { TrunkFile } from '../source/trunk-file.js'
import { trunkAddresses } from '../source/trunk-address.js'
import { createClassifier } from './classifier.js'
import { checkCallbacks } from './inputs.js'
import { Trunk } from './trunk.js'

/**
 * @typedef {import('../engine/backend.js').Backend} Backend
 * @typedef {import('../index.js').LoadOptions} LoadOptions
 * @typedef {import('../index.js').Inspection} Inspection
 *
 * @typedef {object} Host what differs between hosts
 * @property {Record<Backend, () => LoadOptions['wasm']>} modules where the modules are, unless the caller says
 * @property {(address: string | URL, options: import('../source/fetch.js').ReadOptions) => Promise<Uint8Array>} [readAddress] reads a URL or path; `fetch` by default
 * @property {(name: string | undefined) => Promise<import('../source/cache.js').Store>} [openCache] the Cache API by default
 * @property {import('../engine/threads.js').StartThread} [startThread] starts a worker; without it there is one thread
 * @property {(source: unknown) => URL | undefined} [shipped] where the model is, if the source is the name of a shipped one
 * @property {() => string | undefined} [hub] where `hf:` addresses lead to, unless the caller says; huggingface.co by default
 */

const WASM_MAGIC = [0, 0x61, 0x73, 0x6d]

/** @param {unknown} given @returns {LoadOptions} */
function checkOptions(given) {
  if (typeof given !== 'object' || given === null) throw new LinformerError('BAD_ARGUMENT', 'options is not an object')
  const options = /** @type {{ [Key in keyof LoadOptions]: unknown }} */ (given)
  for (const key of /** @type {const} */ ( ['memoryBudget', 'maxTokens', 'maxModelBytes', 'maxOperations', 'threads', 'headRoom'])) {
    const value = options[key]
    const least = key === 'headRoom' ? 0 : 1
    if (value !== undefined && !(Number.isSafeInteger(value) && Number(value) >= least)) {
      throw new LinformerError('BAD_ARGUMENT', `${key} is ${show(value)}; it has to be a whole number from ${least}`, { [key]: value })
    }
  }
  const { deterministic, backend } = options
  if (deterministic !== undefined && typeof deterministic !== 'boolean') {
    throw new LinformerError('BAD_ARGUMENT', `deterministic is ${show(deterministic)}; it has to be true or false`)
  }
  if (deterministic && backend !== undefined && backend !== 'simd128') {
    throw new LinformerError('BAD_ARGUMENT', `deterministic needs the backend 'simd128', not ${show(backend)}`)
  }
  const { precision } = options
  if (precision !== undefined && !PRECISIONS.includes(/** @type {string} */ (precision))) {
    throw new LinformerError('BAD_ARGUMENT', `precision is ${show(precision)}; it can be ${PRECISIONS.map((name) => `'${name}'`).join(' or ')}`, { precision })
  }
  checkCallbacks(options)
  checkIntegrityOption(options.integrity)
  checkHub(options.hub)
  if (options.cache !== undefined && typeof options.cache !== 'boolean' && (typeof options.cache !== 'string' || options.cache === '')) {
    throw new LinformerError('BAD_ARGUMENT', `cache is ${show(options.cache)}; it can be true, false or a name`)
  }
  return /** @type {LoadOptions} */ (options)
}

/**
 * What the model file has its linear maps in, the engine multiplies in.
 *
 * @param {LoadOptions} options
 * @param {import('../source/model.js').Model} model
 * @param {import('../engine/threads.js').StartThread | undefined} startThread
 * @returns {import('../engine/instance.js').Arithmetic}
 */
function chooseArithmetic(options, { weights }, startThread) {
  const stored = weights.get('layers.0.ffn.in.weight')?.dtype === 'I8' ? 'int8' : 'float32'
  return { precision: options.precision ?? stored, threads: threadsFor(options, startThread) }
}

/** @param {LoadOptions} options @param {import('../engine/threads.js').StartThread | undefined} startThread */
function threadsFor({ threads = 1, wasm }, startThread) {
  // A module that is compiled already is for a memory of one thread.
  const one = startThread === undefined || isA(wasm, 'WebAssembly.Module') || !canShareMemory()
  return one ? 1 : Math.min(threads, MAX_THREADS)
}

/** @param {LoadOptions} options @param {import('../engine/backend.js').Precision} precision */
const backendFor = ({ deterministic, backend }, precision) => chooseBackend(deterministic ? 'simd128' : backend, precision)

/** Before the model is there. @param {LoadOptions} options @returns {Backend | undefined} undefined if it depends on the model whether there is one */
function guessBackend(options) {
  try {
    return backendFor(options, options.precision ?? 'int8')
  } catch {
    return undefined
  }
}

/**
 * The module's bytes; what went wrong with them is no fault of the model's.
 *
 * @param {unknown} wasm
 * @param {import('../source/fetch.js').ReadOptions} options
 * @param {Host['readAddress']} readAddress
 */
async function readModule(wasm, options, readAddress) {
  try {
    return await readSource(wasm, options, readAddress)
  } catch (error) {
    if (!(error instanceof LinformerError) || !['BUDGET_TOO_SMALL', 'MODEL_FORMAT', 'MODEL_TRUNCATED', 'SOURCE_FAILED'].includes(error.code)) throw error
    const message = `the WebAssembly module is missing: ${error.message}; does the server or bundler have it?`
    throw new LinformerError('ENGINE', message, error.details, { cause: error })
  }
}

/**
 * Heads name a trunk by its file's digest. It is made while the file is at hand, or the first head would have it fetched again.
 *
 * @param {{ bytes: Uint8Array, parsed: ReturnType<typeof parseFile> }} file
 * @param {LoadOptions} options
 * @returns {Promise<string | undefined>} undefined if there is none yet; does not reject
 */
async function digestOfTrunk({ bytes, parsed }, { integrity, signal }) {
  if (integrity !== undefined || parsed.kind !== 'trunk') return integrity
  return digestOf(bytes, signal).catch(() => undefined) // a page without crypto.subtle has one when a head asks for it, or is told why not
}

/**
 * Makes `load` and `inspect` for a host.
 *
 * @param {Host} host
 */
export function createApi({ modules, readAddress = fetchBytes, openCache = openWebCache, startThread, shipped, hub }) {
  /** Names and addresses as URLs. @param {unknown} source @param {LoadOptions} options */
  const locate = (source, options) => shipped?.(source) ?? (isAddress(source) ? modelAddress(source, options.hub ?? hub?.()) : source)

  /**
   * @param {LoadOptions} options
   * @param {Backend} backend
   * @param {number} threads
   * @returns {Promise<WebAssembly.Module>}
   */
  async function compile(options, backend, threads) {
    const { signal } = options
    const wasm = options.wasm ?? modules[backend]()
    if (isA(wasm, 'WebAssembly.Module')) return wasm
    const { bytes, name } = await readModule(wasm, { signal }, readAddress)
    if (!WASM_MAGIC.every((byte, i) => bytes[i] === byte)) {
      throw new LinformerError('ENGINE', `${name} is not a WebAssembly module; is the server or bundler missing the file?`, { source: name })
    }
    const code = threads > 1 ? withSharedMemory(bytes) : bytes
    if (code === undefined) throw otherModule()
    const compiled = WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (code)).catch((error) => {
      throw new LinformerError('ENGINE', `${name} could not be compiled: ${error}`, { source: name }, { cause: error })
    })
    return abortable(signal, () => compiled)
  }

  /**
   * Begins with the module while the model is still on its way. Which one a model needs is known only when it is there, but nearly every
   * host has one for all.
   *
   * @param {LoadOptions} options
   * @returns {(arithmetic: import('../engine/instance.js').Arithmetic) => Promise<{ module: WebAssembly.Module, backend: Backend }>}
   */
  function compileAhead(options) {
    const threads = threadsFor(options, startThread)
    const guess = guessBackend(options)
    const begun = guess && compile(options, guess, threads)
    begun?.catch(() => {}) // whoever wants it is told
    return async ({ precision }) => {
      const backend = backendFor(options, precision)
      const module = await (begun !== undefined && (backend === guess || options.wasm !== undefined) ? begun : compile(options, backend, threads))
      return { module, backend }
    }
  }

  /**
   * Any file of this library.
   *
   * @param {unknown} source
   * @param {LoadOptions} options
   */
  async function readFile(source, options) {
    const { cache, integrity, signal, onProgress } = options
    const url = cache ? cacheKey(source) : undefined
    const copy = url === undefined ? undefined : await cached(url, openCache, typeof cache === 'string' ? cache : undefined, options)
    const kept = await copy?.get()
    if (kept !== undefined) {
      try {
        const parsed = parseFile(kept, nameOf(url))
        onProgress?.({ phase: 'download', done: kept.length, total: kept.length })
        return { bytes: kept, parsed }
      } catch (error) {
        // Kept by another version of this library.
        if (!(error instanceof LinformerError)) throw error
      }
    }
    const { bytes, name } = await readSource(source, options, readAddress)
    if (integrity !== undefined) await checkIntegrity(bytes, integrity, name, signal)
    throwIfAborted(signal)
    const parsed = parseFile(bytes, name)
    // Only what is a model is kept.
    await copy?.put(bytes)
    return { bytes, parsed }
  }

  /** The file that a caller names. @param {unknown} source @param {LoadOptions} options */
  async function readGiven(source, options) {
    const address = locate(source, options)
    try {
      return { address, ...await readFile(address, options) }
    } catch (error) {
      throw withAdvice(error, source)
    }
  }

  /**
   * The trunk of a head that is loaded by itself. Which file it is, its digest tells.
   *
   * @param {unknown} source of the head
   * @param {import('../source/head.js').Head} head
   * @param {LoadOptions} options
   */
  async function readTrunk(source, head, { cache, maxModelBytes, signal, onProgress }) {
    const { trunk, trunk_name: name } = head.metadata
    /** @type {unknown} */
    let cause
    for (const address of trunkAddresses(source, name, shipped)) {
      try {
        const { bytes, parsed } = await readFile(address, { cache, maxModelBytes, signal, onProgress })
        const model = asModel(parsed)
        const digest = model.metadata.trunk === undefined ? await digestOf(bytes, signal) : undefined
        if ((model.metadata.trunk ?? digest) === trunk) return { address, bytes, model, digest: Promise.resolve(digest) }
        cause ??= new LinformerError('MODEL_CONFIG', `${nameOf(address)} is another trunk than ${trunk}`, { trunk })
      } catch (error) {
        throwIfAborted(signal)
        if (!(error instanceof LinformerError) || error.code === 'BUDGET_TOO_SMALL') throw error
        cause ??= error
      }
    }
    throw headAlone(head, cause)
  }

  /**
   * What a classifier on this trunk needs of files.
   *
   * @param {unknown} source of the trunk
   * @param {Uint8Array} bytes
   * @param {import('../source/model.js').Model} model
   * @param {LoadOptions} options
   * @param {number} capacity tokens that are read at once
   * @param {Promise<string | undefined>} digest of the file, if it is known
   * @returns {Pick<import('./classifier.js').Shared, 'id' | 'readHead' | 'complete'>}
   */
  function filesOf(source, bytes, { config, metadata, source: name }, { cache, hub, maxModelBytes, maxOperations }, capacity, digest) {
    // A response can be read only once: of one, the bytes are kept.
    const once = isA(source, 'Response')
    const again = once ? keeping(bytes) : async (/** @type {{ signal?: AbortSignal }} */ { signal }) => (await readFile(source, { cache, maxModelBytes, signal })).bytes
    const file = new TrunkFile(name, metadata, again, digest)
    return {
      id: (options) => file.id(options),
      async readHead(given, options) {
        const { integrity, signal, onProgress, maxModelBytes: most = maxModelBytes } = checkOptions(options)
        const { parsed } = await readFile(locate(given, { hub }), { integrity, signal, onProgress, maxModelBytes: most })
        if (parsed.kind !== 'head') {
          throw new LinformerError('MODEL_FORMAT', `${parsed.model.source} is a ${parsed.kind}, not a head`, { source: parsed.model.source })
        }
        await file.checkHead(parsed.head, { signal })
        checkFit(parsed.head, config)
        checkOperations({ operations: headOperations(parsed.head.config, capacity), capacity }, { maxOperations }, 'this head')
        return { head: parsed.head, signal }
      },
      async complete(head, options) {
        const { signal } = checkOptions(options)
        const trunk = await file.bytes({ signal })
        return completeModel(trunk, await file.id({ signal }), head, name)
      }
    }
  }

  /**
   * @param {unknown} source
   * @param {unknown} options
   * @returns {Promise<import('../index.js').Classifier>}
   */
  async function load(source, options) {
    const checked = checkOptions(options)
    const { signal, onProgress } = checked
    const compiled = compileAhead(checked)
    const first = await readGiven(source, checked)
    const given = first.address
    const attached = first.parsed.kind === 'head' ? first.parsed.head : undefined
    const { address, bytes, model, digest } = attached === undefined
      ? { address: given, bytes: first.bytes, model: asModel(first.parsed), digest: digestOfTrunk(first, checked) }
      : await readTrunk(given, attached, checked)
    if (attached !== undefined) checkFit(attached, model.config)
    const arithmetic = chooseArithmetic(checked, model, startThread)
    const { module, backend } = await compiled(arithmetic)
    throwIfAborted(signal)
    // A head that came with its trunk takes the place of the model's own, and the trunk the room that it has without it.
    const judging = attached === undefined ? model : { ...model, head: attached, config: { ...model.config, ...attached.config } }
    const engine = new Engine(module, judging, arithmetic, { ...checked, headRoom: checked.headRoom ?? defaultHeadRoom(model) })
    const pause = createPause(() => throwIfAborted(signal))
    const head = await engine.loadWeights(judging, pause, (done, total) => onProgress?.({ phase: 'weights', done, total }))
    try {
      const threads = startThread ? await abortable(signal, () => engine.startThreads(startThread)) : 1
      throwIfAborted(signal)
      const { config, metadata } = model
      const description = { config, metadata, backend, precision: arithmetic.precision, threads, memory: engine.memoryReport }
      const shared = { trunk: new Trunk(engine, model), own: model.head, description, ...filesOf(address, bytes, model, checked, engine.capacity, digest) }
      return createClassifier(shared, head, true)
    } catch (error) {
      engine.dispose() // or its threads would wait for work for ever
      throw error
    }
  }

  /**
   * @param {unknown} source
   * @param {unknown} options
   * @returns {Promise<Inspection>}
   */
  async function inspect(source, options) {
    const checked = checkOptions(options)
    const { parsed } = await readGiven(source, checked)
    if (parsed.kind === 'head') {
      const { config, labels, metadata, fileBytes, tensors } = parsed.head
      const module = await compile(checked, backendFor(checked, 'float32'), 1)
      const headRoom = headBytes(module, parsed.head)
      return { kind: 'head', config, labels, metadata, fileBytes, ...count(tensors), memory: [], chosen: undefined, headRoom }
    }
    const { kind, model } = parsed
    const arithmetic = chooseArithmetic(checked, model, startThread)
    const module = await compile(checked, backendFor(checked, arithmetic.precision), arithmetic.threads)
    const planFor = plannerFor(module, model, arithmetic, checked)
    const { n_max: nMax } = model.config
    const capacities = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072].filter((n) => n < nMax)
    return {
      kind,
      config: model.config,
      labels: model.head?.labels ?? [],
      metadata: model.metadata,
      fileBytes: model.fileBytes,
      ...count(new Map([...model.weights, ...model.head?.tensors ?? []])),
      memory: [...capacities, nMax].map((capacity) => planFor(capacity).report),
      chosen: choosePlan(planFor, nMax, { ...checked, maxOperations: Infinity }).report,
      headRoom: undefined
    }
  }

  return {
    load: (/** @type {unknown} */ source, /** @type {unknown} */ options = {}) => namingMemory(() => load(source, options)),
    inspect: (/** @type {unknown} */ source, /** @type {unknown} */ options = {}) => namingMemory(() => inspect(source, options))
  }
}

/** A function of its own, which keeps nothing else alive. @param {Uint8Array} bytes */
const keeping = (bytes) => async () => bytes

/**
 * Numbers in tensors, and the tensors' descriptions.
 *
 * @param {Map<string, import('../source/safetensors.js').Tensor>} tensors
 * @returns {Pick<Inspection, 'parameters' | 'tensors'>}
 */
function count(tensors) {
  const numbers = [...tensors].filter(([name]) => !name.endsWith('.scale')).map(([, { shape }]) => shape.reduce((a, b) => a * b, 1))
  return {
    parameters: numbers.reduce((a, b) => a + b, 0),
    tensors: [...tensors].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, bytes: data.length }))
  }
}
