/**
 * Talking to people: messages, colour, progress.
 */
import { fstatSync, writeSync } from 'node:fs'
import { styleText } from 'node:util'

/** The command line itself is wrong; exit status 2. */
export class UsageError extends Error {}

/** Results cannot be written: the disk is full, for one. Exit status 1. */
export class OutputError extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super(`the results could not be written (${cause instanceof Error ? cause.message : cause}); what is there may end in the midst of one`, { cause })
  }
}

/**
 * A string from a model, a document or the disk, fit for a terminal: characters that would move the cursor, begin a line,
 * change colours or turn the direction of writing become escapes, `\\u{1b}` for one.
 *
 * @param {string} text
 */
export const plain = (text) => {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/**
 * A label among other words: in quotes where its own commas, brackets and the like would be taken for those of the line.
 *
 * @param {string} label
 */
export const quoted = (label) => plain(/[,;:()"|]/.test(label) ? JSON.stringify(label) : label)

/** @param {string} message on stderr, with the program's name, in one line whatever is in it */
export const complain = (message) => { process.stderr.write(`linformer: ${plain(message)}\n`) }

/**
 * @param {Parameters<typeof styleText>[0]} style of util.styleText
 * @param {string} text
 * @param {NodeJS.WriteStream} stream coloured if it is a terminal or FORCE_COLOR is set, unless NO_COLOR is
 */
export function paint(style, text, stream) {
  const { NO_COLOR = '', FORCE_COLOR = '', TERM } = process.env
  const isColoured = NO_COLOR === '' && (FORCE_COLOR === '' ? stream.isTTY && TERM !== 'dumb' : FORCE_COLOR !== '0')
  if (!isColoured) return text
  const styles = Array.isArray(style) ? style : [style]
  return styles.reduce((painted, each) => styleText(each, painted), text)
}

const STDOUT = 1

/** Whether standard output is a file, or a device that is no terminal. */
function isFile() {
  const stats = fstatSync(STDOUT)
  return !process.stdout.isTTY && !stats.isFIFO() && !stats.isSocket()
}

/**
 * Writes, and waits while the reader is slow, so that memory stays constant.
 *
 * @param {string} text
 * @throws {OutputError}
 */
export async function write(text) {
  if (isFile()) {
    // process.stdout takes a file to have got all of a text when it got its beginning, which is what a full disk does.
    try {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length;) at += writeSync(STDOUT, bytes, at)
    } catch (error) {
      throw new OutputError(error)
    }
    return
  }
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve))
}

/** Before so many milliseconds and such a share, the time left would be a guess. */
const TELLING = { after: 2000, share: 0.01 }

/**
 * How long work will take from now on, if it goes on as it went.
 *
 * @param {number} elapsed in milliseconds
 * @param {number} share that is done, 0 to 1
 * @returns {string} for people; empty while it cannot be told
 */
export function timeLeft(elapsed, share) {
  if (elapsed < TELLING.after || share < TELLING.share) return ''
  const seconds = Math.ceil((elapsed / share) * (1 - share) / 1000)
  if (seconds < 60) return `${seconds} s left`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 60 ? `${minutes} min left` : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`
}

/** A progress bar on stderr, if that is a terminal. */
export class ProgressBar {
  #shown = false
  #last = 0
  #began = performance.now()

  /** From here on the time left is reckoned. */
  begin() {
    this.#began = performance.now()
  }

  /** As `show`, with the time left. @param {string} what @param {number} share 0 to 1 */
  showTimeLeft(what, share) {
    const left = timeLeft(performance.now() - this.#began, share)
    this.show(left === '' ? what : `${what}, ${left}`, share)
  }

  /** @param {string} what @param {number} share 0 to 1 */
  show(what, share) {
    if (!process.stderr.isTTY || performance.now() - this.#last < 100) return
    this.#last = performance.now()
    const width = 30
    // A line that wraps could not be written over.
    const name = plain(what)
    const room = Math.max(0, (process.stderr.columns || 80) - width - 6)
    const shown = name.length > room ? `…${name.slice(name.length - room + 1)}` : name
    const filled = Math.round(width * Math.min(1, Math.max(0, share)))
    process.stderr.write(`\r${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.floor(100 * share)}% ${shown}\x1b[K`)
    this.#shown = true
  }

  clear() {
    if (this.#shown) process.stderr.write('\r\x1b[K')
    this.#shown = false
  }
}

/**
 * @param {string | undefined} text of an option
 * @param {string} option its name
 * @param {number} [limit]
 * @returns {number | undefined} a whole number from 1
 */
export function wholeNumber(text, option, limit = Number.MAX_SAFE_INTEGER) {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > limit) {
    throw new UsageError(`--${option} is ${JSON.stringify(text)}; it has to be a whole number from 1${limit < Number.MAX_SAFE_INTEGER ? ` to ${limit}` : ''}`)
  }
  return value
}

/** @param {number} bytes */
export const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** @param {number} share 0 .. 1 */
export const percent = (share) => `${(100 * share).toFixed(1)}%`
