/**
 * What the numbers were measured on.
 */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { nodePath } from './install.js'

/** Lets V8 do without AVX-VNNI: the dot products of int8 are then those of most x86 processors. */
export const NO_VNNI = '--no-enable-avx-vnni'

/**
 * @typedef {object} Machine
 * @property {string} [processor]
 * @property {number} cores
 * @property {number} memoryGiB
 * @property {boolean} [avxVnni] the processor has AVX-VNNI, and it was used; left out where that is not known
 */

/** @param {{ vnni: boolean }} options @returns {Machine} */
export function machine({ vnni }) {
  // V8 lists the features that it found on the first line of its help.
  const found = execFileSync(nodePath(), vnni ? ['--v8-options'] : [NO_VNNI, '--v8-options'], { encoding: 'utf8' }).match(/\bAVX_VNNI=([01])/)
  return {
    processor: cpus()[0]?.model.trim(), cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30),
    ...found && { avxVnni: found[1] === '1' }
  }
}

/** @param {Machine} machine */
export const machineName = ({ processor, cores, avxVnni }) =>
  `${cores} core${cores > 1 ? 's' : ''} of ${processor ?? 'an unknown processor'}${avxVnni === undefined ? '' : avxVnni ? ', with AVX-VNNI' : ', without AVX-VNNI'}`
