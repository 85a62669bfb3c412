/**
 * A model file's meaning: a trunk, that is config, tokenizer and weights up to the last LayerNorm; and its head, if it has one.
 */
import { LinformerError, show } from '../common/errors.js'
import { ATTENTION, CONFIG_FIELDS, DTYPES, MAX_LAYERS, POSITIONS, PRECISIONS, PROJECTION, SHARING } from '../engine/abi.js'
import { badConfig, checkHeadConfig, checkTrunkConfig, parseJson, trunkShapes } from './config.js'
import { isHeadTensor, parseHead } from './head.js'
import { readSafetensors } from './safetensors.js'
import { checkTensors } from './tensors.js'

/**
 * @typedef {import('./head.js').Head} Head
 * @typedef {import('./safetensors.js').Tensor} Tensor
 * @typedef {import('../index.js').Config} Config
 * @typedef {import('../index.js').TrunkConfig} TrunkConfig
 *
 * @typedef {object} Tokenizer
 * @property {boolean} lowercase
 * @property {number} sep id of the token between a text and its pair
 * @property {Tensor} vocab
 * @property {Tensor} offsets
 * @property {Tensor} merges
 *
 * @typedef {object} Model
 * @property {string} source where it came from
 * @property {number} fileBytes
 * @property {Record<string, string>} metadata
 * @property {Config} config with n_classes if there is a head
 * @property {Tokenizer} tokenizer
 * @property {Map<string, Tensor>} weights the trunk's
 * @property {Head | undefined} head
 */

/**
 * @param {string} text
 * @param {Map<string, Tensor>} tensors
 * @param {TrunkConfig} config
 * @returns {Tokenizer}
 */
function checkTokenizer(text, tensors, config) {
  const description = /** @type {Record<string, unknown> | null} */ (parseJson(text, 'tokenizer'))
  if (description?.type !== 'byte-level-bpe') {
    throw badConfig(`tokenizer.type is ${show(description?.type)}; it can be byte-level-bpe`)
  }
  const { lowercase = false, sep = 0 } = description ?? {}
  if (typeof lowercase !== 'boolean') throw badConfig(`tokenizer.lowercase is ${show(lowercase)}, not true or false`)
  if (typeof sep !== 'number' || !Number.isInteger(sep) || sep < 0 || sep >= config.vocab_size) {
    throw badConfig(`tokenizer.sep is ${show(sep)}; ids go from 0 to ${config.vocab_size - 1}`)
  }
  const table = (/** @type {string} */ part, /** @type {string} */ dtype, /** @type {(number | null)[]} */ shape) => {
    const key = `tokenizer.${part}`
    const tensor = tensors.get(key)
    const wanted = `${dtype} [${shape.map((n) => n ?? 'any').join(', ')}]`
    if (tensor === undefined) throw new LinformerError('MODEL_TENSOR', `tensor ${key}, ${wanted}, is missing`, { tensor: key })
    const fits = tensor.dtype === dtype && tensor.shape.length === shape.length &&
      shape.every((n, i) => n === null || n === tensor.shape[i])
    if (!fits) {
      throw new LinformerError('MODEL_TENSOR', `tensor ${key} is ${tensor.dtype} [${tensor.shape.join(', ')}]; it has to be ${wanted}`, { tensor: key })
    }
    return tensor
  }
  return {
    lowercase,
    sep,
    vocab: table('vocab', 'U8', [null]),
    offsets: table('offsets', 'U32', [config.vocab_size + 1]),
    merges: table('merges', 'U32', [null, 2])
  }
}

/**
 * What every file of this library says of itself.
 *
 * @param {Record<string, string>} metadata
 * @param {string} source
 * @returns {'model' | 'trunk' | 'head'}
 */
function kindOf(metadata, source) {
  const { format, kind = 'model', version } = metadata
  if (format !== 'linformer') {
    const found = format === undefined ? 'no format' : `the format ${show(format)}`
    throw new LinformerError('MODEL_FORMAT', `${source} has ${found} in its metadata; a model of this library has "linformer"`, { source })
  }
  if (version !== '1' && version !== '2') {
    throw new LinformerError('MODEL_FORMAT', `${source} has version ${show(version)}; this library reads versions "1" and "2"`, { source })
  }
  if (kind !== 'model' && kind !== 'trunk' && kind !== 'head') {
    throw new LinformerError('MODEL_FORMAT', `${source} is of the kind ${show(kind)}; it can be "model", "trunk" or "head"`, { source })
  }
  for (const key of { model: ['config', 'labels', 'tokenizer'], trunk: ['config', 'tokenizer'], head: ['config', 'labels', 'trunk'] }[kind]) {
    if (metadata[key] === undefined) throw new LinformerError('MODEL_FORMAT', `${source} has no ${key} in its metadata`, { source })
  }
  return kind
}

/**
 * Any file of this library.
 *
 * @param {Uint8Array} file
 * @param {string} source name for messages
 * @returns {{ kind: 'model' | 'trunk', model: Model } | { kind: 'head', head: Head }}
 * @throws {LinformerError} MODEL_TRUNCATED, MODEL_FORMAT, MODEL_CONFIG or MODEL_TENSOR
 */
export function parseFile(file, source) {
  const { metadata, tensors } = readSafetensors(file, source)
  const kind = kindOf(metadata, source)
  const given = parseJson(metadata.config, 'config')
  const described = { source, fileBytes: file.length, metadata }
  if (kind === 'head') return { kind, head: parseHead({ ...described, tensors, config: checkHeadConfig(given) }) }

  const trunk = checkTrunkConfig(given)
  const headConfig = kind === 'model' ? checkHeadConfig(given) : undefined
  const tokenizer = checkTokenizer(metadata.tokenizer, tensors, trunk)
  const head = headConfig && parseHead({
    ...described, config: headConfig, tensors: new Map([...tensors].filter(([name]) => isHeadTensor(name)))
  })
  const weights = new Map([...tensors].filter(([name]) => !name.startsWith('tokenizer.') && !(head && isHeadTensor(name))))
  checkWeights(trunk, weights)
  return { kind, model: { ...described, config: /** @type {Config} */ (given), tokenizer, weights, head } }
}

/**
 * @param {ReturnType<typeof parseFile>} parsed
 * @returns {Model} a trunk, with or without a head
 * @throws {LinformerError} MODEL_FORMAT if it is a head alone
 */
export function asModel(parsed) {
  if (parsed.kind !== 'head') return parsed.model
  throw headAlone(parsed.head)
}

/**
 * @param {Head} head
 * @param {unknown} [cause] why its trunk could not be had
 */
export function headAlone({ metadata: { trunk_name: name = 'its trunk', trunk }, source }, cause) {
  const why = cause instanceof Error ? `, and its trunk was not found (${cause.message})` : ''
  const message = `${source} is a head alone${why}: load ${name} (${trunk}) and attach this to it`
  return new LinformerError('MODEL_FORMAT', message, { source, trunk }, { cause })
}

/**
 * @param {Uint8Array} file
 * @param {string} source name for messages
 * @returns {Model}
 * @throws {LinformerError} as parseFile and asModel
 */
export const parseModel = (file, source) => asModel(parseFile(file, source))

/**
 * @param {TrunkConfig} config
 * @param {Map<string, Tensor>} weights
 */
function checkWeights(config, weights) {
  const shapes = trunkShapes(config)
  checkTensors(shapes, weights, 'a model')
  const dtypes = [...shapes.keys()].filter((name) => /\.[EF]$/.test(name)).map((name) => weights.get(name)?.dtype)
  if (config.projection === 'linear' && new Set(dtypes).size > 1) {
    throw badConfig(`the sequence projections have dtypes ${[...new Set(dtypes)].join(' and ')}; they need one for all`)
  }
}

/**
 * The config as the int32 values of an lf_config.
 *
 * @param {Model} model
 * @param {string} precision
 * @returns {Int32Array}
 */
export function packConfig({ config, weights }, precision) {
  const dtype = (/** @type {string | undefined} */ name) => Math.max(0, DTYPES.indexOf(weights.get(name ?? '')?.dtype ?? 'F32'))
  const values = {
    ...config,
    attention: ATTENTION.indexOf(config.attention),
    sharing: SHARING.indexOf(config.sharing),
    projection: PROJECTION.indexOf(config.projection),
    positions: POSITIONS.indexOf(config.positions),
    token_dtype: dtype('embed.token.weight'),
    position_dtype: dtype('embed.position.weight'),
    projection_dtype: dtype([...weights.keys()].find((name) => /attn\.E$/.test(name))),
    precision: PRECISIONS.indexOf(precision),
    stem: config.stem ?? 0,
    importance: config.importance ? 1 : 0,
    k: Array.from({ length: MAX_LAYERS }, (_, layer) => config.k[layer] ?? 0)
  }
  return Int32Array.from(CONFIG_FIELDS.flatMap((field) => values[field]))
}
