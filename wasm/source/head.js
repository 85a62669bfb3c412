/**
 * A head: what is judged by, beside a trunk. A small file of its own, or a part of a model file.
 */
import { LinformerError, show } from '../common/errors.js'
import { badConfig, headShapes, parseJson } from './config.js'
import { tensorValues } from './safetensors.js'
import { checkTensors } from './tensors.js'

/**
 * @typedef {import('../index.js').HeadConfig} HeadConfig
 * @typedef {import('./safetensors.js').Tensor} Tensor
 *
 * @typedef {object} Typicality what the documents looked like that the head was fitted on
 * @property {Float32Array} mean [d_model]
 * @property {boolean} ofDirection whether vectors are brought to length 1 first, and the mean is of such
 * @property {Float32Array} whitening [r, d_model]
 * @property {Float32Array} quantiles [101] percentiles of the distance
 * @property {number} noise how much farther short documents lie: see `spreadOf`; 0 where the file does not say
 *
 * @typedef {object} Head
 * @property {string} source where it came from
 * @property {number} fileBytes
 * @property {Record<string, string>} metadata
 * @property {HeadConfig} config
 * @property {string[]} labels
 * @property {'one' | 'many'} labelsKind
 * @property {number[] | undefined} thresholds with many
 * @property {Map<string, Tensor>} tensors
 * @property {Typicality | undefined} typicality
 */

/** Whether a tensor of a model file is its head's. @param {string} name */
export const isHeadTensor = (name) => /^(head|words|typicality)\./.test(name)

/** @param {unknown} labels @param {number} nClasses @returns {string[]} */
function checkLabels(labels, nClasses) {
  const fits = Array.isArray(labels) && labels.length === nClasses && labels.every((label) => typeof label === 'string')
  if (!fits) throw badConfig(`labels is not a list of ${nClasses} strings, one for each class`)
  if (new Set(labels).size !== nClasses) throw badConfig('labels has one label twice')
  return labels
}

/**
 * @param {Record<string, string>} metadata
 * @param {number} nClasses
 * @returns {Pick<Head, 'labelsKind' | 'thresholds'>}
 */
function checkKind({ labels_kind: kind = 'one', thresholds: text }, nClasses) {
  if (kind !== 'one' && kind !== 'many') throw badConfig(`labels_kind is ${show(kind)}; it can be one or many`, { value: kind })
  if (text === undefined) return { labelsKind: kind, thresholds: kind === 'many' ? new Array(nClasses).fill(0.5) : undefined }
  if (kind === 'one') throw badConfig('thresholds belong to labels_kind many; with one, the best label is the answer')
  const thresholds = parseJson(text, 'thresholds')
  const fits = Array.isArray(thresholds) && thresholds.length === nClasses &&
    thresholds.every((value) => typeof value === 'number' && value > 0 && value < 1)
  if (!fits) throw badConfig(`thresholds is ${show(thresholds)}; it has to be ${nClasses} numbers between 0 and 1`)
  return { labelsKind: kind, thresholds: /** @type {number[]} */ (thresholds) }
}

/**
 * A tensor's floats, all of them finite.
 *
 * @param {Map<string, Tensor>} tensors
 * @param {string} name
 * @returns {Float32Array}
 */
function finite(tensors, name) {
  const values = /** @type {Float32Array} */ (tensorValues(tensors, name))
  if (values.every(Number.isFinite)) return values
  throw new LinformerError('MODEL_TENSOR', `tensor ${name} has a value that is not a finite number`, { tensor: name })
}

const QUANTILES = 101
const DIRECTION = 'typicality.direction'
const NOISE = 'typicality.noise'

/** The tensor that holds the mean: of the documents' vectors, or of their directions. @param {Map<string, Tensor>} tensors */
const centreOf = (tensors) => tensors.has(DIRECTION) ? DIRECTION : 'typicality.mean'

/** @param {Map<string, Tensor>} tensors @param {HeadConfig} config @returns {Map<string, number[]>} shapes of its tensors, if it has any */
function typicalityShapes(tensors, { d_model: d }) {
  if (![...tensors.keys()].some((name) => name.startsWith('typicality.'))) return new Map()
  const rows = tensors.get('typicality.whitening')?.shape[0] ?? d
  return new Map([
    [centreOf(tensors), [d]],
    ['typicality.whitening', [Math.min(Math.max(1, rows), d), d]],
    ['typicality.quantiles', [QUANTILES]],
    ...(tensors.has(NOISE) ? [/** @type {[string, number[]]} */ ([NOISE, [1]])] : [])
  ])
}

/** @param {Map<string, Tensor>} tensors @returns {Typicality | undefined} */
function readTypicality(tensors) {
  const centre = centreOf(tensors)
  if (!tensors.has(centre)) return undefined
  const quantiles = finite(tensors, 'typicality.quantiles')
  if (quantiles.some((value, i) => value < (i === 0 ? 0 : quantiles[i - 1]))) {
    throw new LinformerError('MODEL_TENSOR', 'tensor typicality.quantiles has to ascend from 0 or more', { tensor: 'typicality.quantiles' })
  }
  const noise = tensors.has(NOISE) ? finite(tensors, NOISE)[0] : 0
  if (noise < 0) throw new LinformerError('MODEL_TENSOR', `tensor ${NOISE} has to be 0 or more`, { tensor: NOISE })
  return { mean: finite(tensors, centre), ofDirection: centre === DIRECTION, whitening: finite(tensors, 'typicality.whitening'), quantiles, noise }
}

/**
 * @param {Pick<Head, 'source' | 'fileBytes' | 'metadata' | 'config' | 'tensors'>} parts
 * @returns {Head}
 * @throws {LinformerError} MODEL_CONFIG or MODEL_TENSOR
 */
export function parseHead(parts) {
  const { config, metadata } = parts
  // Copies, since these are views of the file, which need not be kept for them.
  const tensors = new Map([...parts.tensors].map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: data.slice() }]))
  const labels = checkLabels(parseJson(metadata.labels, 'labels'), config.n_classes)
  const kind = checkKind(metadata, config.n_classes)
  checkTensors(new Map([...headShapes(config), ...typicalityShapes(tensors, config)]), tensors, 'a head')
  return { ...parts, tensors, labels, ...kind, typicality: readTypicality(tensors) }
}

/**
 * Whether a head can be read on a trunk.
 *
 * @param {Head} head
 * @param {import('../index.js').TrunkConfig} trunk
 * @throws {LinformerError} MODEL_CONFIG
 */
export function checkFit({ config, source }, trunk) {
  for (const key of /** @type {const} */ (['d_model', 'vocab_size'])) {
    if (config[key] !== trunk[key]) throw badConfig(`${source} has ${key} ${config[key]}, its trunk ${trunk[key]}`, { key })
  }
  if (config.pooling === 'weighted' && !trunk.importance) throw badConfig(`${source} has the pooling weighted, which needs a trunk with importance`)
}
