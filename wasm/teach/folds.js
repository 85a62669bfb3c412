/**
 * Which documents are held out together in cross-validation: decided by the texts alone, so that the same examples in another
 * order have the same folds, and a text that comes twice is never in both the fitted and the held-out part.
 */

/**
 * A hash of a text in 64 bits, as a string: two streams of FNV-1a over its UTF-16 units, with a final mix (that of MurmurHash3).
 *
 * @param {string} text
 * @returns {string} 16 hexadecimal digits
 */
export function hashOf(text) {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x85ebca6b)
    b ^= b >>> 15
  }
  return [a, b].map((h) => {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0')
  }).join('')
}

/**
 * Deals documents to folds, label by label in the order of their hashes, so that each fold has its share of each label.
 *
 * @param {string[]} hashes of the documents' texts, in ascending order
 * @param {number[]} groups the label by which each is dealt
 * @param {number} folds
 * @returns {Uint8Array} the fold of each
 */
export function dealFolds(hashes, groups, folds) {
  const fold = new Uint8Array(hashes.length)
  // Each label goes on where the one before it stopped: small labels would otherwise all fill the first folds.
  let next = 0
  const order = hashes.map((_, i) => i).sort((a, b) => groups[a] - groups[b] || a - b)
  /** @type {Map<string, number>} */
  const known = new Map()
  for (const i of order) {
    const same = known.get(hashes[i])
    fold[i] = same ?? next
    if (same !== undefined) continue
    known.set(hashes[i], next)
    next = (next + 1) % folds
  }
  return fold
}
