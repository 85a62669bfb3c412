/**
 * The model files that the variants read, in build/bench/.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { NotAvailable } from './engines.js'
import { folder } from './install.js'
import { benchFile, benchModel } from './model.js'
import { onnxFile } from './onnx.js'

/** @param {string} name */
export function fileAt(name) {
  const build = resolve(folder, '../build/bench')
  mkdirSync(build, { recursive: true })
  return resolve(build, name)
}

/**
 * A model file as .tflite, by tflite.py.
 *
 * @param {string} model path
 * @param {'float32' | 'int8'} precision
 * @param {string} out path
 * @param {string} python that has requirements.txt of this folder
 */
export function writeTflite(model, precision, out, python) {
  const { status, stderr, error } = spawnSync(python, [`${folder}tflite.py`, '--model', model, '--precision', precision, '--out', out], { encoding: 'utf8' })
  if (status === 0) return
  const why = error?.message ?? stderr.trim().split('\n').at(-1)
  throw new NotAvailable(`no .tflite, as bench/tflite.py needs bench/requirements.txt (--python FILE): ${why}`)
}

/**
 * The variant's model file, made if it is not there: the same weights for every engine.
 *
 * @param {import('./engines.js').Variant} variant
 * @param {string} [python] for LiteRT.js's files
 * @returns {string} path
 * @throws {NotAvailable} without such a Python
 */
export function fileOf({ engine, precision, shape, file: given }, python = 'python3') {
  if (given !== undefined) return given
  const onnx = engine === 'onnxruntime-web'
  const tflite = engine === 'LiteRT.js'
  const name = Object.entries(shape).map(([key, value]) => `${key}-${Array.isArray(value) ? value[0] : value}`).join(',')
  const file = fileAt(onnx || tflite ? `${name},${precision}.${onnx ? 'onnx' : 'tflite'}` : `${name}.safetensors`)
  if (existsSync(file)) return file
  if (tflite) {
    writeTflite(fileOf({ engine: 'linformer-wasm', precision, threads: 1, shape }), precision, file, python)
  } else {
    const model = benchFile(shape)
    writeFileSync(file, onnx ? onnxFile(benchModel(model), precision) : model)
  }
  return file
}
