/**
 * Examples that are versions of one text: a form filled in twice, a mail and the answer that quotes it, an article in three reading
 * levels, a sentence with a word changed. Cross-validation has to hold them out together. Otherwise it asks a head about texts that it
 * has all but seen, and finds it better than it is, or, where versions have different labels, worse.
 *
 * How alike two texts are is their resemblance (Broder 1997, "On the resemblance and containment of documents"): of the runs of three
 * words, or shingles, that either has, the share that both have. A text is kept as a sketch, the smallest hashes of its shingles. Of short
 * texts these are all there are, and the resemblance is exact; of long ones they are a sample. Texts that have a hash in common are
 * compared (Broder et al. 1997, "Syntactic clustering of the Web"), each with its neighbours among those that have it, so that the work
 * grows with the number of texts, not with that of pairs.
 */

/** Words in a shingle. */
const WORDS = 3
/** Hashes in a sketch. The resemblance of long texts is off by 0.04 (standard deviation) at most. */
const SKETCH = 128
/** Bytes that a hash takes: in its sketch, in the list of all of them, and in a pair to compare. */
export const BYTES_A_HASH = 4 + 8 + 8
/**
 * Texts are versions of one text from this resemblance on, where they have so many shingles in common. In short texts a few common words
 * make much of a resemblance ("What is the name of"). So they have to be more alike, and with fewer shingles the same.
 */
const ALIKE = { resemblance: 0.2, shared: 10 }
const ALIKE_IF_SHORT = { resemblance: 0.4, shared: 3 }

/**
 * What a character is to the words: between them, part of one, or one of its own, because its script puts no spaces between words.
 * Pictographs are named by their range: which of them are known differs from host to host.
 */
const BETWEEN = 1
const PART = 2
const OWN = 3
const BETWEEN_WORDS = /[\p{P}\p{S}\p{Z}\p{Cc}\p{Cf}\ufe00-\ufe0f\u{1f000}-\u{1ffff}]/u
const OWN_WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

/** Of the characters of one UTF-16 unit; 0 where nobody has asked yet. */
const kinds = new Uint8Array(0x10000)

/** @param {number} code a code point */
function kindOf(code) {
  if (code < kinds.length && kinds[code] > 0) return kinds[code]
  const character = String.fromCodePoint(code)
  const kind = BETWEEN_WORDS.test(character) ? BETWEEN : OWN_WORD.test(character) ? OWN : PART
  if (code < kinds.length) kinds[code] = kind
  return kind
}

/** The final mix of MurmurHash3. @param {number} h @returns {number} */
export function mixed(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** FNV-1a, a character at a time. */
const FNV = { start: 0x811c9dc5 | 0, prime: 0x01000193 }

/**
 * @param {string} text in any script; case, punctuation and the form of accents make no difference
 * @returns {Uint32Array} ascending; empty if the text has no words
 */
export function sketchOfText(text) {
  const even = text.normalize('NFKC').toLowerCase()
  const words = new Int32Array(even.length)
  let count = 0
  let word = FNV.start // as long as there is none
  for (let i = 0; i < even.length; i++) {
    let code = even.charCodeAt(i)
    if (code >= 0xd800 && code < 0xdc00) {
      code = /** @type {number} */ (even.codePointAt(i))
      if (code > 0xffff) i++
    }
    const kind = kindOf(code)
    if (kind !== PART && word !== FNV.start) {
      words[count++] = word
      word = FNV.start
    }
    if (kind === PART) word = Math.imul(word ^ code, FNV.prime)
    else if (kind === OWN) words[count++] = Math.imul(FNV.start ^ code, FNV.prime)
  }
  if (word !== FNV.start) words[count++] = word
  return sketchOfWords(words.subarray(0, count))
}

/**
 * @param {ArrayLike<number>} words a number for each word, in the text's order
 * @returns {Uint32Array} ascending
 */
export function sketchOfWords(words) {
  if (words.length === 0) return new Uint32Array(0)
  const all = new Uint32Array(Math.max(1, words.length - WORDS + 1))
  for (let from = 0; from < all.length; from++) {
    let h = 0
    for (let i = from; i < from + WORDS && i < words.length; i++) h = mixed(Math.imul(h, 0x01000193) ^ words[i])
    all[from] = h
  }
  all.sort()
  let kept = 0
  for (let i = 0; i < all.length && kept < SKETCH; i++) if (i === 0 || all[i] !== all[i - 1]) all[kept++] = all[i]
  return all.slice(0, kept)
}

/**
 * @param {Uint32Array} a a sketch
 * @param {Uint32Array} b
 * @returns {{ resemblance: number, shared: number }} from 0 to 1, and the hashes it comes from that are in both
 */
export function compareSketches(a, b) {
  let shared = 0
  let either = 0
  for (let i = 0, j = 0; either < SKETCH && (i < a.length || j < b.length); either++) {
    if (j === b.length || a[i] < b[j]) i++
    else if (i === a.length || b[j] < a[i]) j++
    else {
      shared++
      i++
      j++
    }
  }
  return { resemblance: either === 0 ? 0 : shared / either, shared }
}

/** @param {{ resemblance: number, shared: number }} compared */
function areVersions({ resemblance, shared }) {
  return [ALIKE, ALIKE_IF_SHORT].some((least) => resemblance >= least.resemblance && shared >= least.shared) || resemblance === 1
}

/**
 * @param {Uint32Array[]} sketches
 * @returns {{ a: number, b: number, resemblance: number }[]} pairs of versions, a below b, the most alike first
 */
function versions(sketches) {
  const n = sketches.length
  const all = new Float64Array(sketches.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  sketches.forEach((hashes, text) => { for (const hash of hashes) all[at++] = hash * n + text })
  all.sort()
  const pairs = new Float64Array(all.length)
  let count = 0
  for (let i = 1; i < all.length; i++) {
    if (Math.floor(all[i] / n) === Math.floor(all[i - 1] / n)) pairs[count++] = (all[i - 1] % n) * n + all[i] % n
  }
  const found = []
  const candidates = pairs.subarray(0, count).sort()
  for (let i = 0; i < count; i++) {
    if (i > 0 && candidates[i] === candidates[i - 1]) continue
    const a = Math.floor(candidates[i] / n)
    const b = candidates[i] % n
    const compared = compareSketches(sketches[a], sketches[b])
    if (areVersions(compared)) found.push({ a, b, resemblance: compared.resemblance })
  }
  return found.sort((x, y) => y.resemblance - x.resemblance)
}

/**
 * Which of the groups become one by pairs of their texts.
 *
 * @param {{ a: number, b: number }[]} pairs
 * @param {Int32Array} group of each text
 * @returns {Set<number[]>} the groups of each new one, two at least
 */
function joinedBy(pairs, group) {
  /** @type {Map<number, number[]>} */
  const joined = new Map()
  for (const { a, b } of pairs) {
    const [one, other] = [group[a], group[b]].map((own) => joined.get(own) ?? [own])
    if (one === other || group[a] === group[b]) continue
    const [more, fewer] = one.length < other.length ? [other, one] : [one, other]
    if (more.length === 1) joined.set(more[0], more)
    for (const own of fewer) {
      more.push(own)
      joined.set(own, more)
    }
  }
  return new Set(joined.values())
}

/**
 * Groups of versions: each text has a version in its group, and groups are as large as they may be. Pairs of one resemblance are
 * joined at once, the most alike first. Where that would make a group too large, its parts stay as they are and grow no more: of a
 * thousand forms that differ in what is filled in, those that are filled in alike stay together, or none.
 *
 * @param {Uint32Array[]} sketches of the texts
 * @param {(texts: number[]) => boolean} fits whether texts may be a group
 * @returns {Int32Array} the group of each text: one of its texts, of those without a version the text itself
 */
export function groupVersions(sketches, fits) {
  const group = Int32Array.from(sketches, (_, text) => text)
  const members = sketches.map((_, text) => [text])
  const isFull = new Uint8Array(sketches.length)
  const pairs = versions(sketches)
  for (let from = 0, to; from < pairs.length; from = to) {
    to = from + 1
    while (to < pairs.length && pairs[to].resemblance === pairs[from].resemblance) to++
    for (const parts of joinedBy(pairs.slice(from, to), group)) {
      const texts = parts.some((part) => isFull[part] === 1) ? [] : parts.flatMap((part) => members[part])
      if (texts.length === 0 || !fits(texts)) {
        for (const part of parts) isFull[part] = 1
        continue
      }
      members[parts[0]] = texts
      for (const text of texts) group[text] = parts[0]
    }
  }
  return group
}
