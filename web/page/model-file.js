/** A model that is opened from a file: a head on the shared trunk, or a whole model. */
import { TRUNKS } from '../engine/models.js'
import { keepModel } from '../store/models.js'
import { inspect, LinformerError } from '../wasm/worker.js'

/** @typedef {import('../engine/models.js').Task} Task */

const LARGEST = 64 * 2 ** 20 // bytes

/**
 * Reads the file's description and keeps it for the next visit.
 *
 * @param {File} file
 * @returns {Promise<Task>}
 * @throws {LinformerError} if it is no model, or a trunk without labels, or a head on a trunk that is not here
 */
export async function openModel(file) {
  if (file.size > LARGEST) throw new LinformerError('BUDGET_TOO_SMALL', `${file.name} has ${file.size} bytes; this page takes models of up to ${LARGEST}`)
  const bytes = new Uint8Array(await file.arrayBuffer())
  const { kind, labels, metadata } = await inspect(bytes)
  if (kind === 'trunk') throw new LinformerError('MODEL_CONFIG', `${file.name} is a trunk without labels; teach it some first`)
  const title = (metadata.name ?? file.name.replace(/\.safetensors$/i, '')).slice(0, 60)
  const trunk = kind === 'head' ? 'general' : undefined
  if (kind === 'head' && metadata.trunk_name !== undefined && !(metadata.trunk_name in TRUNKS)) {
    throw new LinformerError('MODEL_CONFIG', `${file.name} is a head on the trunk “${metadata.trunk_name}”, which this page does not have`)
  }
  /** @type {Task & { file: Uint8Array<ArrayBuffer> }} */
  const task = { id: `file ${title}`, title, about: `Which of ${labels.length} labels is this?`, file: bytes, ...(trunk === undefined ? {} : { trunk }) }
  await keepModel(task).catch(() => {}) // a browser that keeps nothing
  return task
}
