/**
 * Which documents are held out together in cross-validation: decided by the texts alone, so that the same examples in another
 * order have the same folds, and neither a text that comes twice nor versions of one are in both the fitted and the held-out part.
 */
import { groupVersions, mixed } from './near-duplicates.js'

/** Folds of cross-validation; fewer with many documents, where each fit has enough of them anyway. */
const FOLDS = 5
const FOLDS_OF_MANY = 3
const MANY = 5000

/**
 * A hash in 64 bits, as a string: two streams of FNV-1a over UTF-16 units or ids, with a final mix (that of MurmurHash3).
 *
 * @param {string | ArrayLike<number>} content a text, or ids of tokens
 * @returns {string} 16 hexadecimal digits
 */
export function hashOf(content) {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < content.length; i++) {
    const unit = typeof content === 'string' ? content.charCodeAt(i) : content[i]
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x85ebca6b)
    b ^= b >>> 15
  }
  return [a, b].map((h) => (mixed(h) >>> 0).toString(16).padStart(8, '0')).join('')
}

/**
 * Deals groups to folds so that each fold has its share of each label. A group goes where its labels are the rarest; of such folds to the
 * one with the fewest texts, and then to the first after the last one that was dealt to. No label has all its texts in one fold if
 * that can be helped.
 *
 * @param {number[][]} groups the labels of each group's texts, in the order in which they are dealt
 * @param {Map<number, number>} total texts of each label
 * @param {number} folds
 * @returns {number[]} the fold of each group
 */
function deal(groups, total, folds) {
  /** @type {number[]} */
  const texts = new Array(folds).fill(0)
  /** @type {Map<number, number>[]} */
  const times = texts.map(() => new Map())
  const timesOf = (/** @type {number} */ label, /** @type {number} */ fold) => times[fold].get(label) ?? 0
  let next = 0
  return groups.map((labels) => {
    const own = [...tally(labels)]
    const choices = texts.map((size, fold) => ({
      fold,
      whole: own.filter(([label, more]) => timesOf(label, fold) + more === total.get(label)).length,
      share: own.reduce((sum, [label, more]) => sum + more * (timesOf(label, fold) / Number(total.get(label))) ** 2, 0),
      size,
      distance: (fold - next + folds) % folds
    }))
    const [{ fold }] = choices.sort((a, b) => a.whole - b.whole || a.share - b.share || a.size - b.size || a.distance - b.distance)
    for (const [label, more] of own) times[fold].set(label, timesOf(label, fold) + more)
    texts[fold] += labels.length
    next = (fold + 1) % folds
    return fold
  })
}

/** @param {number[]} labels @returns {Map<number, number>} how often each comes */
function tally(labels) {
  const times = new Map()
  for (const label of labels) times.set(label, (times.get(label) ?? 0) + 1)
  return times
}

/**
 * The folds of documents. Versions of a text are in one fold, up to a fair share: no more than a fold's share of all texts, and of
 * each label's. Of a label with a few texts, two may be together, as long as it has others.
 *
 * @param {object} documents
 * @param {string[]} documents.hashes of their texts, in ascending order; at least four different ones
 * @param {Uint32Array[]} documents.sketches of their texts
 * @param {number[]} documents.labels the label by which each is dealt
 * @returns {{ folds: number, fold: Uint8Array, group: Int32Array }} how many there are, the fold of each document, and a number that
 *   versions of one text have in common
 */
export function dealFolds({ hashes, sketches, labels }) {
  const documents = hashes.map((_, i) => i)
  /** The first document with each text, by label and then by hash. */
  const first = new Map([...documents].sort((a, b) => labels[b] - labels[a] || b - a).map((i) => [hashes[i], i]))
  const texts = documents.filter((i) => first.get(hashes[i]) === i)
  const most = Math.min(texts.length, hashes.length < MANY ? FOLDS : FOLDS_OF_MANY)
  const total = tally(texts.map((i) => labels[i]))
  const share = (/** @type {number} */ count) => Math.ceil(count / most)
  const groupOf = groupVersions(texts.map((i) => sketches[i]), (some) => {
    const own = tally(some.map((text) => labels[texts[text]]))
    const fits = (/** @type {number} */ count, /** @type {number} */ all) => count <= share(all) || (count === 2 && all > 2)
    return some.length <= share(texts.length) && [...own].every(([label, count]) => fits(count, Number(total.get(label))))
  })
  /** @type {Map<number, number[]>} */
  const groups = new Map()
  texts.forEach((i, text) => groups.set(groupOf[text], [...groups.get(groupOf[text]) ?? [], i]))
  // The largest first, while there is room everywhere. Labels one after the other.
  const order = [...groups.values()].sort((a, b) => b.length - a.length || labels[a[0]] - labels[b[0]] || a[0] - b[0])
  const folds = Math.min(most, order.length)
  const dealt = deal(order.map((group) => group.map((i) => labels[i])), total, folds)
  const numbers = new Map(order.flatMap((group, number) => group.map((i) => [hashes[i], number])))
  const group = Int32Array.from(hashes, (hash) => Number(numbers.get(hash)))
  return { folds, fold: Uint8Array.from(group, (number) => dealt[number]), group }
}
