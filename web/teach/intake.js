/** Examples from files: documents whose folder is their label, or rows of a table. */
import { isTable, pathOf } from '../page/files.js'

/**
 * @typedef {object} Taken
 * @property {number} added
 * @property {string[]} problems in words, for each file or row that gave no example, or not all that is in it
 */

/** The folder that is a document's label: `letters/invoices/a.pdf` of a chosen folder, or `invoices/a.pdf`. @param {File} file */
export function labelOf(file) {
  const parts = pathOf(file).split('/').filter((part) => part !== '')
  return (parts.length > 2 ? parts[1] : parts.length === 2 ? parts[0] : undefined)?.normalize('NFC')
}

/**
 * @param {readonly File[]} files
 * @param {string | undefined} label of all documents; without one their folders' names are taken
 * @param {object} page
 * @param {import('./examples.js').Examples} page.examples
 * @param {import('../page/files.js').FileReading} page.reading
 * @param {AbortSignal} page.signal
 * @param {(words: string, share: number) => void} page.say
 * @returns {Promise<Taken>}
 */
export async function takeExamples(files, label, { examples, reading, signal, say }) {
  /** @type {string[]} */
  const problems = []
  const before = examples.size
  for (const [i, file] of files.entries()) {
    const path = pathOf(file)
    say(`Reading ${path}`, i / files.length)
    try {
      if (isTable(file)) {
        await reading.readTable(file, (rows) => {
          const found = []
          for (const { line, text, label: own, problem } of rows) {
            const name = `${path}, line ${line}`
            const given = own || label
            if (text === undefined) problems.push(`${name}: ${problem}.`)
            else if (given === undefined) problems.push(`${name}: it has no label.`)
            else found.push({ text, label: given, name })
          }
          problems.push(...examples.add(found))
        }, signal)
        continue
      }
      const given = label ?? labelOf(file)
      if (given === undefined) {
        problems.push(`${path}: it is in no folder that would be its label. Add it to a label, or choose a folder with a folder for each label.`)
        continue
      }
      const { text, notes } = await reading.read(file, { signal })
      problems.push(...examples.add([{ text, label: given, name: path }]), ...notes.map((note) => `${path}: ${note}. The rest is used.`))
    } catch (error) {
      signal.throwIfAborted()
      problems.push(error instanceof Error ? error.message : String(error))
    }
  }
  return { added: examples.size - before, problems }
}
