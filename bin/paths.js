/**
 * Files that the command line names: by their paths, by folders, and by patterns.
 */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Of a folder, the files that are documents. */
const DOCUMENT = /\.(txt|text|md|markdown|html?|xhtml|pdf)$/i

const isPattern = (/** @type {string} */ path) => /[*?[{]/.test(path)

/**
 * A pattern as a regular expression over whole paths: `*` and `?` within a name, `**` over folders, `[abc]`, `{a,b}`.
 *
 * @param {string} pattern
 * @returns {RegExp}
 */
export function patternExpression(pattern) {
  let depth = 0
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|\[!?[^\]/]+\]|[\\^$+.()|[\]]|[{},]/g, (part) => {
    if (part === '**/') return '(?:[^/]+/)*'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part.length > 1) return part.replace(/^\[!/, '[^').replace(/\\/g, '\\\\')
    if (part === '{') return depth++ < 0 ? '' : '(?:'
    if (part === '}') return depth-- > 0 ? ')' : '\\}'
    if (part === ',') return depth > 0 ? '|' : ','
    return `\\${part}`
  })
  return new RegExp(`^${source}${')'.repeat(Math.max(0, depth))}$`, 'u')
}

/**
 * Every file below a folder, in alphabetical order, without node_modules and names that begin with a dot.
 *
 * @param {string} folder
 * @returns {AsyncGenerator<string>}
 */
async function* filesBelow(folder) {
  const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true })
  entries.sort((a, b) => a.name < b.name ? -1 : 1)
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}

/**
 * The files that a name means: itself, the documents below it if it is a folder, or those that match if it is a pattern.
 *
 * @param {string} name
 * @returns {AsyncGenerator<string>}
 * @throws {Error} if a folder or a pattern has none
 */
export async function* filesOf(name) {
  const info = name === '-' ? undefined : await stat(name).catch(() => undefined)
  let found = false
  if (info?.isDirectory()) {
    for await (const file of filesBelow(name)) {
      if (!DOCUMENT.test(file)) continue
      found = true
      yield file
    }
    if (!found) throw new Error('there are no documents in that folder (.txt, .md, .html, .pdf)')
  } else if (info === undefined && name !== '-' && isPattern(name)) {
    const expression = patternExpression(name.replace(/^\.\//, '').replace(/\\/g, process.platform === 'win32' ? '/' : '\\'))
    const base = name.replace(/^\.\//, '').split('/').slice(0, -1)
    const fixed = base.slice(0, [...base, '*'].findIndex(isPattern)).join('/')
    const start = name.startsWith('/') && fixed === '' ? '/' : fixed
    if (start === '' || existsSync(start)) {
      for await (const file of filesBelow(start)) {
        if (!expression.test(file.replaceAll('\\', '/'))) continue
        found = true
        yield file
      }
    }
    if (!found) throw new Error('no file matches')
  } else {
    yield name
  }
}
