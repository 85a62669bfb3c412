/**
 * The benchmarks: `npm run bench`. See README.md in this folder.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { folder, installPeers, nodePath } from './install.js'
import { machine, machineName } from './machine.js'

const HELP = `Usage: npm run bench -- [options]

Measures this engine beside onnxruntime-web, LiteRT.js and transformers.js, in Node.js 24 and in Chromium.

      --quick            a few minutes: short documents, few rounds
      --only LIST        of compare, stages, start, tokenizer, models, documents, table3, agreement (default: all)
      --host LIST        of node, chromium, firefox, webkit (default: node,chromium)
      --lengths N,N,...  tokens (default: 512,2048,4096,16384,65536)
      --rounds N         (default: 9)
      --no-vnni          as on processors without AVX-VNNI, which most x86 ones are; into files of their own
      --no-transformer   compare without the standard Transformer, in which most of the time of long documents goes
      --exported FILE    compare with this ONNX too, by training/export_onnx.py from a model in build/bench/
      --python FILE      the Python that makes the models of LiteRT.js, with bench/requirements.txt (default: python3)
      --data FILE        labelled documents for agreement, JSON Lines, may be .zst; without it that section is left out
      --text FILE        for the tokenizers (default: a megabyte of random words)
      --out FOLDER       for the tables, JSON and SVG (default: build/bench/results)
`

const SECTIONS = ['compare', 'stages', 'start', 'tokenizer', 'models', 'documents', 'table3', 'agreement']
const HOSTS = ['node', 'chromium', 'firefox', 'webkit']
/** Those that a flag of V8 can take AVX-VNNI from, and whose start is measured. */
const V8_HOSTS = ['node', 'chromium']

/** @param {string} message @returns {never} */
function refuse(message) {
  console.error(`bench: ${message}\n\n${HELP}`)
  process.exit(2)
}

function options() {
  /** @type {any} */
  let values
  try {
    values = parseArgs({
      options: {
        quick: { type: 'boolean' }, only: { type: 'string' }, host: { type: 'string' }, lengths: { type: 'string' },
        rounds: { type: 'string' }, text: { type: 'string' }, 'no-vnni': { type: 'boolean' }, 'no-transformer': { type: 'boolean' }, exported: { type: 'string' }, python: { type: 'string' }, data: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean' }
      }
    }).values
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error))
  }
  if (values.help) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  if (values.data === undefined && values.only?.split(',').includes('agreement')) refuse('agreement needs --data FILE')
  /** @param {string} option @param {string | undefined} text @param {string[]} names */
  const list = (option, text, names) => (text ?? names.join()).split(',').map((name) => names.includes(name) ? name : refuse(`--${option} has ${name}; it can have ${names.join(', ')}`))
  /** @param {string} option @param {string} text @param {number} most */
  const numbers = (option, text, most) => text.split(',').map((part) => {
    const value = Number(part)
    return Number.isInteger(value) && value >= 1 && value <= most ? value : refuse(`--${option} has ${JSON.stringify(part)}, not a whole number from 1 to ${most}`)
  })
  const hosts = list('host', values.host ?? 'node,chromium', HOSTS)
  if (values['no-vnni'] && hosts.some((name) => !V8_HOSTS.includes(name))) refuse(`--no-vnni is for ${V8_HOSTS.join(' and ')}`)
  return {
    sections: list('only', values.only, SECTIONS),
    hosts,
    lengths: numbers('lengths', values.lengths ?? (values.quick ? '512,4096' : '512,2048,4096,16384,65536'), 2 ** 20),
    rounds: numbers('rounds', values.rounds ?? (values.quick ? '5' : '9'), 1000)[0],
    quick: Boolean(values.quick),
    vnni: !values['no-vnni'],
    transformer: !values['no-transformer'],
    data: values.data === undefined ? undefined : resolve(values.data),
    text: values.text === undefined ? undefined : readFileSync(values.text, 'utf8'),
    exported: values.exported === undefined ? undefined : resolve(values.exported),
    python: values.python,
    out: resolve(values.out ?? `${folder}../build/bench/results`)
  }
}

/**
 * The results in a file, if they are of the same host and machine: sections that are not measured now stay.
 *
 * @param {string} file
 * @param {string} host
 * @param {import('./machine.js').Machine} here
 * @returns {any}
 */
function earlier(file, host, here) {
  const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  return found.host === host && machineName(found.machine) === machineName(here) ? found : { host, machine: here, measured: {} }
}

const progress = (/** @type {string} */ text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

async function main() {
  const chosen = options()
  installPeers()
  if (process.execPath !== nodePath()) {
    const { status } = spawnSync(nodePath(), process.argv.slice(1), { stdio: 'inherit' })
    process.exit(status ?? 1)
  }

  const { chromiumHost, nodeHost } = await import('./hosts.js')
  /** @type {Record<string, (options: { vnni: boolean }) => Promise<import('./hosts.js').Host>>} */
  const hostOf = {
    node: nodeHost,
    chromium: chromiumHost,
    firefox: async () => (await import('./browsers.js')).firefoxHost(),
    webkit: async () => (await import('./browsers.js')).webKitHost()
  }
  const { plots } = await import('./plots.js')
  const { sections } = await import('./sections.js')
  mkdirSync(chosen.out, { recursive: true })
  process.stdout.write(`${machineName(machine(chosen))}\n`)
  for (const name of chosen.hosts) {
    const host = await hostOf[name](chosen)
    const path = `${chosen.out}/${name}${chosen.vnni ? '' : '-no-vnni'}`
    const results = earlier(`${path}.json`, host.name, machine(chosen))
    for (const section of chosen.sections) {
      const { applies, measure, text } = sections[section]
      const context = { host, inNode: name === 'node', startIsMeasured: V8_HOSTS.includes(name), chosen, results, progress }
      if (applies?.(context) === false) continue
      await measure(context)
      results.measured[section] = new Date().toISOString()
      progress('')
      process.stdout.write(text(results))
      writeFileSync(`${path}.json`, `${JSON.stringify(results)}\n`)
    }
    const measured = Object.keys(sections).filter((section) => results[section] !== undefined)
    const title = `${host.name}, ${machineName(results.machine)}\n`
    writeFileSync(`${path}.txt`, title + measured.map((section) => sections[section].text(results)).join(''))
    for (const [plot, svg] of results.compare === undefined ? [] : plots(host.name, results.compare)) {
      writeFileSync(`${path}-${plot}.svg`, svg)
    }
    await host.close()
  }
  process.stdout.write(`\nwritten to ${chosen.out}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
