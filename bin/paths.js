/**
 * Files that the command line names: by their paths, by folders, and by patterns.
 */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { expandBraces, isPattern, nameMatcher, segmentsOf, splitRoot } from './patterns.js'

/** Of a folder, the files that are documents. */
const DOCUMENT = /\.(txt|text|md|markdown|html?|xhtml|pdf|docx|odt|epub|rtf|eml|mht|mhtml)(\.gz)?$/i

/** Of a folder, every file that is not hidden. */
export const ANY_FILE = /^/

/** What there is none of. @type {Map<RegExp, string>} */
const NOTHING = new Map([
  [DOCUMENT, 'there are no documents in that folder (.txt, .md, .html, .pdf, .docx and others)'], [ANY_FILE, 'there is no file in that folder']
])

/**
 * @typedef {{ file: string, error?: unknown }} Found a file, or what could not be looked at
 *
 * A pattern's names, each as it is or as a matcher; `**` stands for any number of folders.
 * @typedef {{ name: string, matches: ((name: string) => boolean) | undefined }[]} Segments
 */

/** @param {string} pattern @returns {Segments} */
const compile = (pattern) => segmentsOf(pattern).map((name) => ({ name, matches: isPattern(name) ? nameMatcher(name) : undefined }))

/**
 * How far each pattern of a walk is matched in a folder: `[pattern, segment]`, as a text, so that a set holds each once.
 *
 * @typedef {Set<string>} States
 */
class Walk {
  /** Folders that were read, with the states: symbolic links may lead to one again. @type {Set<string>} */
  #read = new Set()

  /** @param {Segments[]} patterns */
  constructor(patterns) {
    this.patterns = patterns
  }

  /** @param {States} states @param {number} pattern @param {number} segment */
  #add(states, pattern, segment) {
    states.add(`${pattern} ${segment}`)
    // No folder at all is a number of folders.
    if (this.patterns[pattern][segment]?.name === '**') states.add(`${pattern} ${segment + 1}`)
  }

  /** Every file that matches, in alphabetical order. @param {string} root empty for the working directory @returns {AsyncGenerator<Found>} */
  async* filesFrom(root) {
    /** @type {States} */
    const states = new Set()
    for (const [pattern] of this.patterns.entries()) this.#add(states, pattern, 0)
    this.#isNew(await stat(root === '' ? '.' : root), states)
    yield* this.#files(root, states)
  }

  /** @param {States} states @returns {{ pattern: number, segment: number }[]} */
  #list(states) {
    return [...states].map((state) => {
      const [pattern, segment] = state.split(' ').map(Number)
      return { pattern, segment }
    })
  }

  /** What is matched when a name has been taken. @param {States} states @param {string} name */
  next(states, name) {
    /** @type {States} */
    const after = new Set()
    for (const { pattern, segment } of this.#list(states)) {
      const wanted = this.patterns[pattern][segment]
      if (wanted === undefined) continue
      const isHidden = name.startsWith('.') || name === 'node_modules'
      if (wanted.name === '**') {
        if (!isHidden) this.#add(after, pattern, segment)
      } else if (wanted.matches === undefined ? wanted.name === name : wanted.matches(name) && (!isHidden || wanted.name.startsWith('.'))) {
        this.#add(after, pattern, segment + 1)
      }
    }
    return after
  }

  /** @param {States} states */
  isEnd(states) {
    return this.#list(states).some(({ pattern, segment }) => segment === this.patterns[pattern].length)
  }

  /**
   * @param {string} folder
   * @param {States} states
   * @returns {AsyncGenerator<Found>}
   */
  async* #files(folder, states) {
    const wanted = this.#list(states).map(({ pattern, segment }) => this.patterns[pattern][segment]).filter((each) => each !== undefined)
    const names = new Set(wanted.filter(({ matches }) => matches === undefined).map(({ name }) => name))
    if (wanted.some(({ matches }) => matches !== undefined)) {
      try {
        for (const name of await readdir(folder === '' ? '.' : folder)) names.add(name)
      } catch (error) {
        yield { file: folder === '' ? '.' : folder, error }
        return
      }
    }
    for (const name of [...names].sort()) {
      const after = this.next(states, name)
      if (after.size === 0) continue
      const file = folder === '' ? name : path.join(folder, name)
      /** @type {import('node:fs').Stats} */
      let info
      try {
        info = await stat(file)
      } catch (error) {
        const isThere = wanted.some(({ matches }) => matches?.(name))
        if (isThere && this.isEnd(after)) yield { file, error }
        continue
      }
      if (info.isFile() && this.isEnd(after)) yield { file }
      if (info.isDirectory() && this.#isNew(info, after)) yield* this.#files(file, after)
    }
  }

  /** @param {import('node:fs').Stats} info of a folder @param {States} states */
  #isNew({ dev, ino }, states) {
    const key = `${dev} ${ino} ${[...states].sort().join()}`
    const isNew = !this.#read.has(key)
    this.#read.add(key)
    return isNew
  }
}

/** @param {string} folder @returns {AsyncGenerator<Found>} */
const filesBelow = (folder) => new Walk([compile('**')]).filesFrom(folder)

/** @param {string} pattern @returns {AsyncGenerator<Found>} */
function filesMatching(pattern) {
  const { root, rest } = splitRoot(pattern)
  return new Walk(expandBraces(rest).map(compile)).filesFrom(root)
}

/**
 * The files that a name means: itself, the documents below it if it is a folder, or those that match if it is a pattern.
 * What cannot be looked at has its error; so has a folder or a pattern that gives no file.
 *
 * @param {string} name
 * @param {RegExp} [wanted] which files of a folder
 * @param {(files: string[]) => void} [passOver] is told the others, if there are some of both
 * @returns {AsyncGenerator<Found>}
 */
export async function* filesOf(name, wanted = DOCUMENT, passOver = () => {}) {
  const info = name === '-' ? undefined : await stat(name).catch(() => undefined)
  const isFolder = info?.isDirectory() === true
  if (!isFolder && (info !== undefined || name === '-' || !isPattern(name))) {
    yield { file: name }
    return
  }
  let found = false
  /** @type {string[]} */
  const others = []
  try {
    for await (const each of isFolder ? filesBelow(name) : filesMatching(name)) {
      if (isFolder && each.error === undefined && !wanted.test(each.file)) {
        others.push(each.file)
        continue
      }
      found = true
      yield each
    }
  } catch (error) {
    found = true
    yield { file: name, error }
  }
  if (found && others.length > 0) passOver(others)
  if (!found) yield { file: name, error: new Error(!isFolder ? 'no file matches' : NOTHING.get(wanted) ?? 'there is no .jsonl file in that folder') }
}
