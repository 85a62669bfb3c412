/**
 * The file that a command writes: whole or not at all.
 */
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { inWords } from './documents.js'

/** @param {string} file @param {unknown} error */
const notWritten = (file, error) => new Error(`${file} cannot be written: ${inWords(error).message}`, { cause: error })

/** Bytes that a .safetensors file has before its header, which is JSON; the header's length. */
const PREFIX = 8

/** Whether the file is empty or begins as a model file does. @param {string} file */
function isModelOrEmpty(file) {
  const start = Buffer.alloc(PREFIX + 1)
  const descriptor = openSync(file, 'r')
  try {
    const read = readSync(descriptor, start)
    return read === 0 || (read === start.length && start[PREFIX] === '{'.charCodeAt(0))
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Whether a model file could be written there, before the work is done that it is for. What is there and is no model stays: it may be
 * the examples. So does a file that the model is made of.
 *
 * @param {string} file
 * @param {string} source a model's file
 * @throws Error in words
 */
export function checkOutput(file, source) {
  try {
    const info = statSync(file, { throwIfNoEntry: false })
    if (info?.isDirectory()) throw new Error('it is a folder')
    const folder = path.dirname(file)
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Error(`there is no folder ${folder}`)
    accessSync(info === undefined ? folder : file, constants.W_OK)
    if (info?.isFile() && !isModelOrEmpty(file)) throw new Error('the file that is there is not a model, and is not replaced')
    if (info?.isFile() && statSync(source, { throwIfNoEntry: false })?.ino === info.ino && realpathSync(source) === realpathSync(file)) {
      throw new Error('it is the model that is taught')
    }
  } catch (error) {
    throw notWritten(file, error)
  }
}

/**
 * Writes a file beside the place and moves it there, in one go, which no signal divides: what was there before stays until then, and
 * nothing is left over.
 *
 * @param {string} file
 * @param {Uint8Array} bytes
 */
export function writeOutput(file, bytes) {
  const info = statSync(file, { throwIfNoEntry: false })
  // A pipe or a device is written as it is.
  const isPlain = info === undefined || info.isFile()
  const target = info === undefined ? file : realpathSync(file)
  const beside = isPlain ? `${target}.${process.pid}.part` : target
  try {
    writeFileSync(beside, bytes)
    if (isPlain) renameSync(beside, target)
  } catch (error) {
    if (isPlain) rmSync(beside, { force: true })
    throw notWritten(file, error)
  }
}
