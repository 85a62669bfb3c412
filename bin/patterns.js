/**
 * Patterns of file names: `*` and `?` within a name, `**` over folders, `[abc]`, `[!abc]`, `{a,b}`.
 *
 * Matchers that make regular expressions of patterns, Node.js's own and picomatch among them, take 17 s to tell that 250
 * times `a` is not `*a*a*a*a*b`. This one takes time in proportion to the length of the name times that of the pattern.
 */
import hostPath from 'node:path'

/** Names that braces may stand for. */
const MOST_ALTERNATIVES = 4096

/**
 * Where a pattern starts, and what follows with slashes between its names, whichever the host has.
 *
 * @param {string} pattern
 * @param {import('node:path').PlatformPath} [host]
 * @returns {{ root: string, rest: string }} the root is empty for the working directory
 */
export function splitRoot(pattern, host = hostPath) {
  const plain = host.sep === '\\' ? pattern.replaceAll('\\', '/') : pattern
  const { root } = host.parse(plain)
  return { root, rest: plain.slice(root.length) }
}

/** @param {string} path */
export const isPattern = (path) => /[*?[{]/.test(path)

/**
 * @param {string} pattern
 * @returns {string[]} without braces
 */
export function expandBraces(pattern) {
  const done = []
  const open = [pattern]
  while (open.length > 0) {
    const each = /** @type {string} */ (open.pop())
    const group = firstGroup(each)
    if (group === undefined) done.push(each)
    else for (const part of group.parts.reverse()) open.push(each.slice(0, group.start) + part + each.slice(group.end))
    if (open.length + done.length > MOST_ALTERNATIVES) throw new Error(`the braces stand for more than ${MOST_ALTERNATIVES.toLocaleString('en-US')} patterns`)
  }
  return done
}

/** The first braces that are closed and have a comma. @param {string} pattern */
function firstGroup(pattern) {
  /** @type {{ start: number, commas: number[] }[]} */
  const open = []
  /** @type {{ start: number, end: number, parts: string[] } | undefined} */
  let found
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === '{') open.push({ start: i, commas: [] })
    else if (pattern[i] === ',') open.at(-1)?.commas.push(i)
    else if (pattern[i] === '}') {
      const group = open.pop()
      if (group === undefined || group.commas.length === 0) continue
      const cuts = [group.start, ...group.commas, i]
      found = { start: group.start, end: i + 1, parts: cuts.slice(1).map((cut, j) => pattern.slice(cuts[j] + 1, cut)) }
      if (open.length === 0) return found
    }
  }
  return found
}

/**
 * The names of a path, without those that lead nowhere.
 *
 * @param {string} path with slashes, without a root
 * @returns {string[]}
 */
export function segmentsOf(path) {
  /** @type {string[]} */
  const segments = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '**' && segments.at(-1) === '**') continue
    if (segment === '..' && segments.length > 0 && segments.at(-1) !== '..') segments.pop()
    else segments.push(segment)
  }
  return segments
}

/**
 * @typedef {(character: string) => boolean} Test
 * @param {string} segment of a pattern, without `/` and braces
 * @returns {(name: string) => boolean}
 */
export function nameMatcher(segment) {
  /** @type {(Test | '*')[]} */
  const tests = []
  for (const [token] of segment.matchAll(/\*+|\?|\[!?\]?[^\]]*\]|./gsu)) {
    if (token.startsWith('*')) tests.push('*')
    else if (token === '?') tests.push(() => true)
    else if (token.length > 1 && token.startsWith('[')) tests.push(classTest(token))
    else tests.push((character) => character === token)
  }
  return (name) => matches(tests, [...name])
}

/** @param {string} token such as `[a-z]` @returns {Test} */
function classTest(token) {
  const isNegated = token.startsWith('[!')
  const characters = [...token.slice(isNegated ? 2 : 1, -1)]
  /** @type {[string, string][]} */
  const ranges = []
  for (let i = 0; i < characters.length; i++) {
    const isRange = characters[i + 1] === '-' && characters[i + 2] !== undefined
    ranges.push([characters[i], characters[isRange ? i + 2 : i]])
    if (isRange) i += 2
  }
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== isNegated
}

/**
 * The last `*` takes as little as it can, and one more each time what follows does not fit: those before it need not be
 * asked again.
 *
 * @param {(Test | '*')[]} tests
 * @param {string[]} characters
 */
function matches(tests, characters) {
  let test = 0
  let at = 0
  let star = -1
  let taken = 0
  while (at < characters.length) {
    const current = tests[test]
    if (current === '*') {
      star = test++
      taken = at
    } else if (current?.(characters[at])) {
      test++
      at++
    } else if (star >= 0) {
      test = star + 1
      at = ++taken
    } else {
      return false
    }
  }
  while (tests[test] === '*') test++
  return test === tests.length
}
