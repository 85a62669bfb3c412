/**
 * The file that a command writes: whole or not at all.
 */
import { accessSync, constants, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { inWords } from './documents.js'

/** @param {string} file @param {unknown} error */
const notWritten = (file, error) => new Error(`${file} cannot be written: ${inWords(error).message}`, { cause: error })

/**
 * Whether a file could be written there, before the work is done that it is for.
 *
 * @param {string} file
 * @throws Error in words
 */
export function checkOutput(file) {
  try {
    const info = statSync(file, { throwIfNoEntry: false })
    if (info?.isDirectory()) throw new Error('it is a folder')
    const folder = path.dirname(file)
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Error(`there is no folder ${folder}`)
    accessSync(info === undefined ? folder : file, constants.W_OK)
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
