/**
 * Folds of cross-validation by the rules of teaching, for fewshot.py and teach_figures.py: versions of one text are held out together. Teaching
 * orders examples by another hash, so the folds themselves are not the same.
 *
 *     node training/folds.js < documents.jsonl > folds.json
 *
 * Standard input has one {"text", "label"} a line; "label" is that by which a document is dealt. Standard output gets a list with the fold
 * of each, from 0.
 */
import process from 'node:process'
import { text as textOf } from 'node:stream/consumers'
import { dealFolds, hashOf } from '../wasm/teach/folds.js'
import { sketchOfText } from '../wasm/teach/near-duplicates.js'

const lines = (await textOf(process.stdin)).split('\n').filter((line) => line !== '')
const rows = lines.map((line, at) => ({ .../** @type {{ text: string, label: string }} */ (JSON.parse(line)), at }))
const documents = rows.map((row) => ({ ...row, hash: hashOf(row.text) }))
documents.sort((a, b) => a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0)
const labels = [...new Set(documents.map(({ label }) => label))].sort()
const { fold } = dealFolds({
  hashes: documents.map(({ hash }) => hash),
  sketches: documents.map(({ text }) => sketchOfText(text)),
  labels: documents.map(({ label }) => labels.indexOf(label))
})
const folds = new Array(documents.length).fill(0)
documents.forEach(({ at }, i) => { folds[at] = fold[i] })
process.stdout.write(`${JSON.stringify(folds)}\n`)
