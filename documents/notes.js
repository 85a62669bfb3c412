/** What a reader should know of a text: what of the document is not in it. */

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`

/** Of a file whose own end is not in it. */
export const ENDS_EARLY = 'the file ends early: text may be missing'

/** @param {number} bad @returns {string[]} */
export const badCharacters = (bad) => bad === 0 ? [] : [`${counted(bad, 'character')} could not be decoded`]
