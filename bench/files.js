/**
 * The model files that the variants read, in build/bench/.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
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
 * The variant's model file, made if it is not there: the same weights for every engine.
 *
 * @param {import('./engines.js').Variant} variant
 * @returns {string} path
 */
export function fileOf({ engine, precision, shape, file: given }) {
  if (given !== undefined) return given
  const onnx = engine === 'onnxruntime-web'
  const name = Object.entries(shape).map(([key, value]) => `${key}-${Array.isArray(value) ? value[0] : value}`).join(',')
  const file = fileAt(onnx ? `${name},${precision}.onnx` : `${name}.safetensors`)
  if (!existsSync(file)) {
    const model = benchFile(shape)
    writeFileSync(file, onnx ? onnxFile(benchModel(model), precision) : model)
  }
  return file
}
