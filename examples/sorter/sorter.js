#!/usr/bin/env node
/**
 * Files documents as they arrive, into the folders that you file such documents in. See README.md.
 */
import { constants } from 'node:fs'
import { copyFile, link, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { MOST_BYTES, readDocument } from 'linformer-wasm/documents'
import { load } from 'linformer-wasm/worker'

const HELP = `Usage: node sorter.js [options] ARCHIVE INBOX

Learns from ARCHIVE, which has a folder of documents for each label, and says of each document in INBOX where it belongs.

      --move           move it there; without this, nothing is changed
      --once           look once, and end; otherwise it goes on watching
      --least SCORE    below this score a document is left where it is (default: 0.7)
      --typical SHARE  a document less like the archive than this is left too (default: 0.01)
      --every SECONDS  how often the folders are looked at (default: 2)
`

/** In ARCHIVE: what this program has filed, and nobody has confirmed. It is not learned from. */
const FILED = '.filed.json'
const LEAST_EXAMPLES = 2 // for each label

/** @param {string} message @returns {never} */
function refuse(message) {
  console.error(`sorter: ${message}\n\n${HELP}`)
  process.exit(2)
}

/** @param {string} name @param {string} text @param {number} most */
function numberOf(name, text, most) {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= most)) refuse(`--${name} is ${text}; it can be 0 to ${most}`)
  return value
}

async function readOptions() {
  let parsed
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' }, move: { type: 'boolean', default: false }, once: { type: 'boolean', default: false },
        least: { type: 'string', default: '0.7' }, typical: { type: 'string', default: '0.01' }, every: { type: 'string', default: '2' }
      }
    })
  } catch (error) {
    refuse(error.message)
  }
  const { values, positionals } = parsed
  if (values.help) {
    console.log(HELP)
    process.exit()
  }
  if (positionals.length !== 2) refuse('two folders are needed, ARCHIVE and INBOX')
  const [archive, inbox] = positionals.map((folder) => path.resolve(folder))
  for (const folder of [archive, inbox]) {
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) refuse(`${folder} is no folder`)
  }
  if (`${archive}${path.sep}`.startsWith(`${inbox}${path.sep}`) || path.dirname(inbox) === archive) refuse('the inbox must not hold the archive, or be one of its labels')
  return {
    archive, inbox, move: values.move, once: values.once,
    least: numberOf('least', values.least, 1), typical: numberOf('typical', values.typical, 1), every: numberOf('every', values.every, 86_400)
  }
}

/**
 * The documents in a folder: names with a sign of their content. Hidden files, and files that are being written under a name for that, are none.
 *
 * @param {string} folder
 * @returns {Promise<Map<string, string>>}
 */
async function documentsIn(folder) {
  const found = new Map()
  for (const name of (await readdir(folder)).sort()) {
    if (name.startsWith('.') || /\.(part|tmp|crdownload)$|~$/i.test(name)) continue
    const info = await stat(path.join(folder, name)).catch(() => undefined) // it may be gone by now
    if (info?.isFile()) found.set(name, `${info.size} ${info.mtimeMs}`)
  }
  return found
}

/** The archive's documents by their paths in it, LABEL/NAME. @param {string} archive @returns {Promise<Map<string, string>>} */
async function archived(archive) {
  const found = new Map()
  for (const entry of await readdir(archive, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    for (const [name, sign] of await documentsIn(path.join(archive, entry.name))) found.set(`${entry.name}/${name}`, sign)
  }
  return found
}

/** @param {string} file @returns {Promise<string>} */
async function textOf(file) {
  const { size } = await stat(file)
  if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, and ${MOST_BYTES} are read at most`)
  return (await readDocument(new Uint8Array(await readFile(file)), { name: path.basename(file) })).text
}

/**
 * Moves a file, and overwrites none: of the same name as another it becomes NAME (2).
 *
 * @returns {Promise<string>} its new path
 */
async function moveInto(file, folder) {
  const { name, ext } = path.parse(file)
  for (let number = 1; ; number++) {
    const target = path.join(folder, number === 1 ? `${name}${ext}` : `${name} (${number})${ext}`)
    try {
      // A link is made where there is none of that name, or not at all; other disks have no links.
      await link(file, target).catch((error) => {
        if (error.code === 'EEXIST') throw error
        return copyFile(file, target, constants.COPYFILE_EXCL)
      })
      await rm(file)
      return target
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
  }
}

class Sorter {
  /** @param {Awaited<ReturnType<typeof readOptions>>} options */
  constructor(options) {
    this.options = options
    /** Paths in the archive, as archived() has them. @type {Set<string>} */
    this.filed = new Set()
    /** Signs of documents of the inbox: last seen, and dealt with. */
    this.seen = new Map()
    this.done = new Map()
    this.learned = ''
    this.noticed = ''
  }

  async start() {
    this.trunk = await load('general')
    const text = await readFile(path.join(this.options.archive, FILED), 'utf8').catch(() => '[]')
    try {
      this.filed = new Set(JSON.parse(text))
    } catch {
      refuse(`${path.join(this.options.archive, FILED)} is damaged; remove it, and what it lists counts as filed by you`)
    }
  }

  /** Learns again if examples have come, gone or been moved, and nobody is at work on them. */
  async learn() {
    const { archive, once } = this.options
    const all = await archived(archive)
    const examples = [...all.keys()].filter((name) => !this.filed.has(name))
    const sign = JSON.stringify(examples.map((name) => [name, all.get(name)]))
    const isSettled = once || this.learned === '' || sign === this.noticed
    this.noticed = sign
    if (sign === this.learned || !isSettled) return
    this.learned = sign

    const read = []
    for (const name of examples) {
      const label = name.slice(0, name.indexOf('/'))
      try {
        read.push({ text: await textOf(path.join(archive, name)), label })
      } catch (error) {
        console.error(`${name}: not learned from: ${error.message}`)
      }
    }
    const counts = new Map()
    for (const { label } of read) counts.set(label, (counts.get(label) ?? 0) + 1)
    const usable = read.filter(({ label }) => counts.get(label) >= LEAST_EXAMPLES)
    for (const [label, count] of counts) if (count < LEAST_EXAMPLES) console.error(`${label}: left out, it has ${count} document; ${LEAST_EXAMPLES} are needed`)
    if (new Set(usable.map(({ label }) => label)).size < 2) {
      throw new Error(`two labels with ${LEAST_EXAMPLES} documents each are needed below ${archive}`)
    }
    const { head, report } = await this.trunk.teach(usable)
    this.classifier?.dispose()
    this.classifier = await this.trunk.attach(head)
    this.done.clear() // what was left lying may have a place now
    console.log(`learned from ${usable.length} documents with ${this.classifier.labels.length} labels; of held-out ones ${(100 * report.accuracy.value).toFixed(0)}% were right`)
  }

  /** Deals with what lies in the inbox, and has not changed since it was last looked at. */
  async sort() {
    const { inbox, once } = this.options
    const present = await documentsIn(inbox)
    for (const [name, sign] of present) {
      const isWhole = once || this.seen.get(name) === sign
      this.seen.set(name, sign)
      if (!isWhole || this.done.get(name) === sign) continue
      this.done.set(name, sign)
      try {
        await this.file(name)
      } catch (error) {
        if (error.code === 'ENOENT') continue // somebody has taken it away
        console.log(`left      ${name}: ${error.message}`)
        process.exitCode = 1
      }
    }
    for (const name of this.seen.keys()) if (!present.has(name)) this.seen.delete(name)
  }

  /** @param {string} name in the inbox */
  async file(name) {
    const { archive, inbox, least, typical, move } = this.options
    const { label, score, typicality = 1 } = await this.classifier.classify(await textOf(path.join(inbox, name)))
    const told = `${name} -> ${label}  ${(100 * score).toFixed(0)}%`
    if (score < least) return console.log(`unsure    ${told}`)
    if (typicality < typical) return console.log(`unlike    ${told}, but it is unlike all that is there`)
    if (!move) return console.log(`would file  ${told}`)
    const target = await moveInto(path.join(inbox, name), path.join(archive, label))
    this.filed.add(`${label}/${path.basename(target)}`)
    await this.note()
    console.log(`filed     ${told}`)
  }

  /** Keeps what was filed, as far as it is still there: what a person has moved since is an example. */
  async note() {
    const all = await archived(this.options.archive)
    for (const each of this.filed) if (!all.has(each)) this.filed.delete(each)
    await writeFile(path.join(this.options.archive, FILED), `${JSON.stringify([...this.filed].sort(), null, 1)}\n`)
  }

  async run() {
    const { once, every, move } = this.options
    await this.start()
    if (!move) console.log('nothing is moved: this is what --move would do')
    for (;;) {
      // A watcher outlives a folder that is being rearranged.
      await this.learn().catch((error) => {
        if (once || this.classifier === undefined) throw error
        console.error(`sorter: not learned again: ${error.message}`)
      })
      await this.sort()
      if (once) break
      await wait(every * 1000)
    }
    this.trunk.dispose()
  }
}

const sorter = new Sorter(await readOptions())
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit())
await sorter.run().catch((error) => {
  console.error(`sorter: ${error.message}`)
  process.exit(1)
})
