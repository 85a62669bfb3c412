/**
 * What int8 changes in the verdicts of the shipped model: both precisions over the same labelled documents.
 */
import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { load } from '../wasm/node.js'
import { MODEL } from './start.js'

/**
 * @param {string} path JSON Lines with `text` and `label`, may be zstd-compressed (.zst)
 * @returns {{ text: string, label: string }[]}
 */
function readDocuments(path) {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('utf8')
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
}

/**
 * @param {string} path
 * @param {(text: string) => void} progress
 */
export async function agreement(path, progress) {
  const documents = readDocuments(path)
  const classifiers = await Promise.all(['float32', 'int8'].map((precision) => load(MODEL, /** @type {any} */ ({ precision }))))
  const right = [0, 0]
  let same = 0
  let largest = 0
  for (const [index, { text, label }] of documents.entries()) {
    const [a, b] = await Promise.all(classifiers.map((classifier) => classifier.classify(text)))
    if (a.label === b.label) same++
    if (a.label === label) right[0]++
    if (b.label === label) right[1]++
    const inA = a.scores.find((score) => score.label === b.label)?.score ?? 0
    largest = Math.max(largest, Math.abs(b.score - inA))
    if (index % 100 === 0) progress(`document ${index + 1} of ${documents.length}`)
  }
  for (const classifier of classifiers) classifier.dispose()
  const count = documents.length
  return { documents: count, float32: right[0] / count, int8: right[1] / count, sameLabel: same / count, largestDifference: largest }
}
