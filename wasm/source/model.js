/**
 * A model file's meaning: config, labels, tokenizer and weights.
 */
import { LinformerError, show } from '../common/errors.js'
import { ATTENTION, CONFIG_FIELDS, DTYPES, HEAD_CONFIG_FIELDS, LIMITS, MAX_LAYERS, POSITIONS, PRECISIONS, PROJECTION, SHARING } from '../engine/abi.js'
import { readSafetensors } from './safetensors.js'

/**
 * @typedef {import('./safetensors.js').Tensor} Tensor
 * @typedef {import('../index.js').Config} Config
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
 * @property {Config} config
 * @property {string[]} labels
 * @property {Tokenizer} tokenizer
 * @property {Map<string, Tensor>} weights all tensors but the tokenizer's
 */

/** Fields of the config that are names. */
const KINDS = Object.entries({ attention: ATTENTION, sharing: SHARING, projection: PROJECTION, positions: POSITIONS })

const badConfig = (/** @type {string} */ message, details = {}) => new LinformerError('MODEL_CONFIG', message, details)

/** @param {string} text @param {string} what @returns {any} */
function parseJson(text, what) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badConfig(`${what} is not JSON (${error instanceof Error ? error.message : error})`)
  }
}

/** @param {any} config @returns {Config} */
function checkConfig(config) {
  if (typeof config !== 'object' || config === null) throw badConfig('config is not an object')
  for (const [key, limit] of Object.entries(LIMITS)) {
    const value = config[key]
    if (!Number.isInteger(value) || value < 1 || value > limit) {
      throw badConfig(`config.${key} is ${show(value)}; it has to be a whole number from 1 to ${limit}`, { key, value, limit })
    }
  }
  for (const [key, names] of KINDS) {
    if (!names.includes(config[key])) {
      throw badConfig(`config.${key} is ${show(config[key])}; it can be ${names.join(', ')}`, { key, value: config[key] })
    }
  }
  const { k, n_max: nMax, n_layers: nLayers, d_model: dModel, n_heads: nHeads } = config
  if (dModel % nHeads !== 0) throw badConfig(`config.d_model ${dModel} is not a multiple of n_heads ${nHeads}`)
  if (!Array.isArray(k) || k.length !== nLayers || !k.every((value) => Number.isInteger(value) && value >= 1 && value <= nMax)) {
    throw badConfig(`config.k is ${show(k)}; it has to be ${nLayers} whole numbers from 1 to n_max ${nMax}`)
  }
  if (config.attention === 'linformer' && config.projection !== 'linear') {
    const odd = k.find((value) => nMax % value !== 0)
    if (odd !== undefined) throw badConfig(`config.n_max ${nMax} is not a multiple of k ${odd}, as ${config.projection} projection needs`)
    if (config.projection === 'conv' && config.sharing === 'layerwise' && new Set(k).size > 1) {
      throw badConfig(`config.k is ${show(k)}; a layerwise shared convolution needs one k for all layers`)
    }
  }
  return config
}

/** @param {any} labels @param {number} nClasses @returns {string[]} */
function checkLabels(labels, nClasses) {
  const fits = Array.isArray(labels) && labels.length === nClasses && labels.every((label) => typeof label === 'string')
  if (!fits) throw badConfig(`labels is not a list of ${nClasses} strings, one for each class`)
  if (new Set(labels).size !== nClasses) throw badConfig('labels has one label twice')
  return labels
}

/**
 * @param {string} text
 * @param {Map<string, Tensor>} tensors
 * @param {Config} config
 * @returns {Tokenizer}
 */
function checkTokenizer(text, tensors, config) {
  const description = parseJson(text, 'tokenizer')
  if (description?.type !== 'byte-level-bpe') {
    throw badConfig(`tokenizer.type is ${show(description?.type)}; it can be byte-level-bpe`)
  }
  const { lowercase = false, sep = 0 } = description
  if (typeof lowercase !== 'boolean') throw badConfig(`tokenizer.lowercase is ${show(lowercase)}, not true or false`)
  if (!Number.isInteger(sep) || sep < 0 || sep >= config.vocab_size) {
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
 * @param {Uint8Array} file
 * @param {string} source name for messages
 * @returns {Model}
 * @throws {LinformerError} MODEL_TRUNCATED, MODEL_FORMAT, MODEL_CONFIG or MODEL_TENSOR
 */
export function parseModel(file, source) {
  const { metadata, tensors } = readSafetensors(file, source)
  if (metadata.format !== 'linformer') {
    const found = metadata.format === undefined ? 'no format' : `the format ${show(metadata.format)}`
    throw new LinformerError('MODEL_FORMAT', `${source} has ${found} in its metadata; a model of this library has "linformer"`, { source })
  }
  if (metadata.version !== '1') {
    throw new LinformerError('MODEL_FORMAT', `${source} has version ${show(metadata.version)}; this library reads version "1"`, { source })
  }
  for (const key of ['config', 'labels', 'tokenizer']) {
    if (metadata[key] === undefined) throw new LinformerError('MODEL_FORMAT', `${source} has no ${key} in its metadata`, { source })
  }
  const config = checkConfig(parseJson(metadata.config, 'config'))
  const labels = checkLabels(parseJson(metadata.labels, 'labels'), config.n_classes)
  const tokenizer = checkTokenizer(metadata.tokenizer, tensors, config)
  const weights = new Map([...tensors].filter(([name]) => !name.startsWith('tokenizer.')))
  checkWeights(config, weights)
  return { source, fileBytes: file.length, metadata, config, labels, tokenizer, weights }
}

/**
 * Every tensor that a model of this config has, with its shape: the list in src/linformer.h.
 *
 * @param {Config} config
 * @returns {Map<string, number[]>}
 */
export function tensorShapes(config) {
  const { vocab_size: vocab, n_max: nMax, d_model: d, d_ff: dFf, n_layers: nLayers, n_heads: nHeads, n_classes: nClasses, k } = config
  /** @type {Map<string, number[]>} */
  const shapes = new Map([['embed.token.weight', [vocab, d]]])
  const linear = (/** @type {string} */ name, /** @type {number} */ out, /** @type {number} */ into) => {
    shapes.set(`${name}.weight`, [out, into])
    shapes.set(`${name}.bias`, [out])
  }
  const norm = (/** @type {string} */ name) => {
    shapes.set(`${name}.weight`, [d])
    shapes.set(`${name}.bias`, [d])
  }
  const learned = config.attention === 'linformer' && ['linear', 'conv'].includes(config.projection)
  const sequence = (/** @type {string} */ name, /** @type {number} */ rows) => {
    if (!learned) return
    const matrix = config.projection === 'conv' ? [d, Math.floor(nMax / rows)] : [rows, nMax]
    shapes.set(name, config.sharing === 'none' ? [nHeads, ...matrix] : matrix)
  }
  if (config.positions === 'learned') shapes.set('embed.position.weight', [nMax, d])
  if (config.sharing === 'layerwise') sequence('attn.E', Math.max(...k))
  for (let layer = 0; layer < nLayers; layer++) {
    const at = `layers.${layer}`
    norm(`${at}.attn_norm`)
    for (const part of ['query', 'key', 'value', 'out']) linear(`${at}.attn.${part}`, d, d)
    norm(`${at}.ffn_norm`)
    linear(`${at}.ffn.in`, dFf, d)
    linear(`${at}.ffn.out`, d, dFf)
    if (config.sharing !== 'layerwise') sequence(`${at}.attn.E`, k[layer])
    if (config.sharing === 'none' || config.sharing === 'headwise') sequence(`${at}.attn.F`, k[layer])
  }
  norm('norm')
  linear('head', nClasses, d)
  return shapes
}

/**
 * @param {Config} config
 * @param {Map<string, Tensor>} weights
 */
function checkWeights(config, weights) {
  const shapes = tensorShapes(config)
  const fail = (/** @type {string} */ tensor, /** @type {string} */ message) => {
    return new LinformerError('MODEL_TENSOR', `tensor ${tensor} ${message}`, { tensor })
  }
  const same = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a.length === b.length && a.every((n, i) => n === b[i])
  for (const [name, shape] of shapes) {
    const tensor = weights.get(name)
    if (tensor === undefined) throw fail(name, `, [${shape.join(', ')}], is missing`)
    const dtypes = DTYPES.slice(0, shape.length === 1 ? 2 : 3)
    if (!dtypes.includes(tensor.dtype)) throw fail(name, `has dtype ${tensor.dtype}; it can be ${dtypes.join(', ')}`)
    if (!same(tensor.shape, shape)) throw fail(name, `has shape [${tensor.shape.join(', ')}]; the config asks for [${shape.join(', ')}]`)
    const scale = weights.get(`${name}.scale`)
    if (tensor.dtype === 'I8' && scale === undefined) throw fail(name, `is I8, and ${name}.scale is missing`)
    if (scale === undefined) continue
    const rows = shape.slice(0, -1)
    if (tensor.dtype !== 'I8') throw fail(`${name}.scale`, `belongs to a tensor of dtype ${tensor.dtype}; only I8 has scales`)
    if (scale.dtype !== 'F32' || !same(scale.shape, rows)) {
      throw fail(`${name}.scale`, `is ${scale.dtype} [${scale.shape.join(', ')}]; it has to be F32 [${rows.join(', ')}]`)
    }
  }
  const dtypes = [...shapes.keys()].filter((name) => /\.[EF]$/.test(name)).map((name) => weights.get(name)?.dtype)
  if (config.projection === 'linear' && new Set(dtypes).size > 1) {
    throw badConfig(`the sequence projections have dtypes ${[...new Set(dtypes)].join(' and ')}; they need one for all`)
  }
  for (const name of weights.keys()) {
    if (!shapes.has(name) && !(name.endsWith('.scale') && shapes.has(name.slice(0, -6)))) {
      throw fail(name, 'is not one that a model of this config has')
    }
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
    stem: 0,
    importance: 0,
    k: Array.from({ length: MAX_LAYERS }, (_, layer) => config.k[layer] ?? 0)
  }
  return Int32Array.from(CONFIG_FIELDS.flatMap((field) => values[field]))
}

/**
 * The head of a model as the int32 values of an lf_head_config.
 *
 * @param {Model} model
 * @returns {Int32Array}
 */
export function packHeadConfig({ config }) {
  const values = { ...config, pooling: 0, window: 0, words: 0, word_dtype: 0 }
  return Int32Array.from(HEAD_CONFIG_FIELDS.map((field) => values[field]))
}

/** @param {string} tensor its name @returns {boolean} whether it belongs to the head of a model */
export const isOfHead = (tensor) => tensor.startsWith('head.')
