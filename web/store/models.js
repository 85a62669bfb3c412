/** Models of one's own that are kept: what was taught here, and what was opened from files. */
import { put, readAll, remove } from './database.js'

/**
 * @typedef {object} KeptModel
 * @property {string} id of its task
 * @property {string} title
 * @property {string} about
 * @property {string} [trunk] the shared trunk that it is a head on
 * @property {Uint8Array<ArrayBuffer>} file
 * @property {Lesson} [lesson] of what was taught here
 *
 * @typedef {object} Lesson
 * @property {import('../wasm/index.js').TeachReport} report
 * @property {number[]} ids of the examples, in the order in which they were taught
 * @property {number} fingerprint of the examples then
 */

export async function keptModels() {
  /** @type {KeptModel[]} */
  const models = []
  await readAll('models', (/** @type {KeptModel[]} */ values) => { models.push(...values) })
  return models
}

/** @param {KeptModel} model */
export const keepModel = (model) => put('models', [model])

/** @param {string} id */
export const dropModel = (id) => remove('models', [id])
