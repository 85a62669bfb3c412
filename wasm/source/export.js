/**
 * A complete model file of a trunk's file and a head.
 */
import { isHeadTensor } from './head.js'
import { readSafetensors, writeSafetensors } from './safetensors.js'

/** @typedef {import('./head.js').Head} Head */

/** What a model file says of its head. */
const OF_THE_HEAD = ['name', 'labels', 'labels_kind', 'thresholds', 'report']

/**
 * @param {Uint8Array} file the trunk's: a trunk, or a model whose head is replaced
 * @param {string} digest of that file
 * @param {Head} head
 * @param {string} source name of the trunk's file, for messages
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function completeModel(file, digest, head, source) {
  const { metadata: given, tensors } = readSafetensors(file, source)
  const ofTrunk = Object.entries(given).filter(([key]) => ![...OF_THE_HEAD, 'kind', 'trunk'].includes(key))
  const ofHead = Object.entries(head.metadata).filter(([key]) => OF_THE_HEAD.includes(key))
  const { n_classes, pooling, window, words } = head.config
  const config = { ...JSON.parse(given.config), n_classes, pooling, window, words: words || undefined }
  const both = (/** @type {string} */ key) => {
    const [ofTrunk, ofHead] = [given[key], head.metadata[key]]
    return !ofTrunk || !ofHead || ofTrunk === ofHead ? ofTrunk || ofHead || '' : `the trunk: ${ofTrunk}; the head: ${ofHead}`
  }
  // What a reader of version 1 would read wrongly, or refuse.
  const isNew = given.version !== '1' || pooling !== 'mean' || words || head.labelsKind === 'many' || head.typicality !== undefined
  return writeSafetensors(
    [...[...tensors].filter(([name]) => !isHeadTensor(name)), ...head.tensors],
    {
      ...Object.fromEntries([...ofTrunk, ...ofHead]),
      version: isNew ? '2' : '1',
      config: JSON.stringify(config),
      license: both('license'),
      trained_on: both('trained_on'),
      trunk: given.trunk ?? digest // other heads of the trunk fit this file too
    }
  )
}
