/**
 * The shape of a trunk and of a head, as their files say it: checked, and turned into the names and shapes of their tensors.
 */
import { LinformerError, show } from '../common/errors.js'
import { ATTENTION, LIMITS, POOLING, POSITIONS, PROJECTION, SHARING } from '../engine/abi.js'

/**
 * @typedef {import('../index.js').Config} Config
 * @typedef {import('../index.js').TrunkConfig} TrunkConfig
 * @typedef {import('../index.js').HeadConfig} HeadConfig
 */

const TRUNK_SIZES = /** @type {const} */ (['vocab_size', 'n_max', 'd_model', 'n_layers', 'n_heads', 'd_ff'])
const HEAD_SIZES = /** @type {const} */ (['d_model', 'vocab_size', 'n_classes'])

/** Fields of the config that are names. */
const KINDS = Object.entries({ attention: ATTENTION, sharing: SHARING, projection: PROJECTION, positions: POSITIONS })

/** Widest hidden layer of a stem. */
const WIDEST_STEM = 4096

/** Most tokens of a window with window-max. */
const LONGEST_WINDOW = 2 ** 20

export const badConfig = (/** @type {string} */ message, details = {}) => new LinformerError('MODEL_CONFIG', message, details)

/** @param {string} text @param {string} what @returns {unknown} */
export function parseJson(text, what) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badConfig(`${what} is not JSON (${error instanceof Error ? error.message : error})`)
  }
}

/** @param {unknown} config @returns {Record<string, unknown>} */
function asObject(config) {
  if (typeof config !== 'object' || config === null) throw badConfig('config is not an object')
  return /** @type {Record<string, unknown>} */ (config)
}

/** @param {Record<string, unknown>} config @param {string} key @param {number} limit */
function checkSize(config, key, limit) {
  const value = config[key]
  if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > limit) {
    throw badConfig(`config.${key} is ${show(value)}; it has to be a whole number from 1 to ${limit}`, { key, value, limit })
  }
}

/** @param {unknown} given @returns {TrunkConfig} */
export function checkTrunkConfig(given) {
  const fields = asObject(given)
  for (const key of TRUNK_SIZES) checkSize(fields, key, LIMITS[key])
  for (const [key, names] of KINDS) {
    const value = fields[key]
    if (typeof value !== 'string' || !names.includes(value)) throw badConfig(`config.${key} is ${show(value)}; it can be ${names.join(', ')}`, { key, value })
  }
  const config = /** @type {TrunkConfig} */ (given)
  const { k, n_max: nMax, n_layers: nLayers, d_model: dModel, n_heads: nHeads, stem = 0, importance = false } = config
  if (!Number.isInteger(stem) || stem < 0 || stem > WIDEST_STEM) {
    throw badConfig(`config.stem is ${show(stem)}; it has to be a whole number from 0 to ${WIDEST_STEM}`, { key: 'stem', value: stem, limit: WIDEST_STEM })
  }
  if (typeof importance !== 'boolean') throw badConfig(`config.importance is ${show(importance)}, not true or false`, { key: 'importance', value: importance })
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

/**
 * A head's own fields, with the defaults in their places.
 *
 * @param {unknown} given the config of a head file, or of a model, which has the trunk's fields too
 * @returns {HeadConfig}
 */
export function checkHeadConfig(given) {
  const config = asObject(given)
  for (const key of HEAD_SIZES) checkSize(config, key, LIMITS[key])
  const { pooling = 'mean', window, words = 0 } = config
  if (typeof pooling !== 'string' || !POOLING.includes(pooling)) {
    throw badConfig(`config.pooling is ${show(pooling)}; it can be ${POOLING.join(', ')}`, { key: 'pooling', value: pooling })
  }
  const isWindow = Number.isInteger(window) && Number(window) >= 2 && Number(window) <= LONGEST_WINDOW && Number(window) % 2 === 0
  if (pooling === 'window-max' && !isWindow) {
    throw badConfig(`config.window is ${show(window)}; it has to be an even number of tokens from 2 to ${LONGEST_WINDOW}`, { key: 'window', value: window })
  }
  if (pooling !== 'window-max' && window !== undefined) {
    throw badConfig(`config.window is ${show(window)}; only the pooling window-max has windows, not ${pooling}`, { key: 'window', value: window })
  }
  if (!Number.isInteger(words) || Number(words) < 0 || Number(words) > Number(config.vocab_size)) {
    throw badConfig(`config.words is ${show(words)}; it has to be a whole number from 0 to vocab_size ${config.vocab_size}`, { key: 'words', value: words })
  }
  return /** @type {HeadConfig} */ ({
    d_model: config.d_model, vocab_size: config.vocab_size, n_classes: config.n_classes, pooling, words,
    ...window === undefined ? {} : { window }
  })
}

/**
 * Every tensor that a trunk of this config has, with its shape: the list in src/linformer.h.
 *
 * @param {TrunkConfig} config
 * @returns {Map<string, number[]>}
 */
export function trunkShapes(config) {
  const { vocab_size: vocab, n_max: nMax, d_model: d, d_ff: dFf, n_layers: nLayers, n_heads: nHeads, k } = config
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
  if (config.stem) {
    shapes.set('stem.in.weight', [config.stem, 3 * d])
    shapes.set('stem.in.bias', [config.stem])
    shapes.set('stem.out.weight', [d, config.stem])
    shapes.set('stem.out.bias', [d])
  }
  if (config.importance) {
    shapes.set('pool.token', [vocab])
    shapes.set('pool.weight', [d])
  }
  return shapes
}

/**
 * Every tensor that a head of this config has, but for its typicality.
 *
 * @param {HeadConfig} config
 * @returns {Map<string, number[]>}
 */
export function headShapes({ d_model: d, n_classes: nClasses, pooling, words }) {
  /** @type {Map<string, number[]>} */
  const shapes = new Map([['head.weight', [nClasses, d]], ['head.bias', [nClasses]]])
  if (pooling === 'directions') shapes.set('head.token_weight', [nClasses, d])
  if (words) {
    shapes.set('words.ids', [words])
    shapes.set('words.idf', [words])
    shapes.set('words.weight', [words, nClasses])
  }
  return shapes
}

/**
 * Every tensor that a model file of this config has; without n_classes, those of a trunk alone.
 *
 * @param {TrunkConfig | Config} config
 * @returns {Map<string, number[]>}
 * @throws {LinformerError} MODEL_CONFIG
 */
export function tensorShapes(config) {
  const trunk = checkTrunkConfig(config)
  return new Map([...trunkShapes(trunk), ...'n_classes' in trunk ? headShapes(checkHeadConfig(trunk)) : []])
}
