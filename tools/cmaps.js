#!/usr/bin/env node
/**
 * Writes documents/cmaps.zip, what the codes of Chinese, Japanese and Korean fonts in PDFs stand for, from the pinned
 * pdfjs-dist: `node tools/cmaps.js`. pdf.js without it reads such lines as nothing.
 */
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { zipSync } from 'fflate'

const FOLDER = new URL('../node_modules/pdfjs-dist/cmaps/', import.meta.url)
const OUTPUT = new URL('../documents/cmaps.zip', import.meta.url)

/** @returns {Uint8Array} the same bytes each time */
export function cmapsArchive() {
  const names = readdirSync(FOLDER).sort()
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(new URL(name, FOLDER)))]))
  return zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) })
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) writeFileSync(OUTPUT, cmapsArchive())
