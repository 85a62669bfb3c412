/**
 * Plain text and Markdown. Markdown's marks stay; what is set before it for programs, its front matter, is no text.
 */
import { decode } from './encoding.js'

/** Lines between two of `---` (YAML) or `+++` (TOML), each of which belongs to a field. */
const FRONT_MATTER = /^(?:---[^\S\n]*\n(?:[\w"'][^\n]*:[^\n]*\n|[^\S\n][^\n]*\n|- [^\n]*\n|#[^\n]*\n|\n)*(?:---|\.\.\.)|\+\+\+[^\S\n]*\n(?:(?!\+\+\+)[^\n]*\n)*\+\+\+)[^\S\n]*(?:\n|$)/

/**
 * @param {Uint8Array} bytes
 * @param {{ encoding?: string, declared?: string }} options
 * @returns {{ text: string, notes: string[] }}
 */
export const readText = (bytes, options) => ({ text: decode(bytes, options).text, notes: [] })

/** @type {typeof readText} */
export function readMarkdown(bytes, options) {
  const text = decode(bytes, options).text.replace(/\r\n/g, '\n')
  return { text: text.replace(FRONT_MATTER, '').trimStart(), notes: [] }
}
