#!/usr/bin/env node
/**
 * The command line: argv in, results on stdout, everything else on stderr.
 *
 * Exit status 0: done; 1: a document or the model failed, the others have their results; 2: bad usage.
 */
import { parseArgs } from 'node:util'
import { version } from 'linformer-wasm'
import { COMMANDS, HELP } from './commands/index.js'
import { complain, OutputError, UsageError, write } from './terminal.js'

/**
 * The arguments for parseArgs, which knows no option that may stand without its value.
 *
 * @param {string[]} args
 * @param {import('./commands/index.js').Options} options
 */
function withValues(args, options) {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  return args.map((arg, i) => {
    const alone = i < end && arg.startsWith('--') ? options[arg.slice(2)]?.alone : undefined
    return alone === undefined ? arg : `${arg}=${alone}`
  })
}

/** @param {string[]} argv @returns {Promise<number>} exit status */
async function main([name, ...rest]) {
  try {
    if (name === '--help' || name === '-h' || name === 'help') {
      await write(HELP)
      return 0
    }
    if (name === '--version' || name === '-V') {
      await write(`${version}\n`)
      return 0
    }
    if (name === undefined) throw new UsageError(`no command given; the commands are ${Object.keys(COMMANDS).join(', ')}`)
    if (!Object.hasOwn(COMMANDS, name)) {
      throw new UsageError(`unknown command ${JSON.stringify(name)}; the commands are ${Object.keys(COMMANDS).join(', ')}`)
    }
    const { run, help, options } = COMMANDS[name]
    /** @type {{ values: import('./commands/index.js').Values<import('./commands/index.js').Options>, positionals: string[] }} */
    let parsed
    try {
      parsed = parseArgs({ args: withValues(rest, options), allowPositionals: true, options: { ...options, help: { type: 'boolean', short: 'h' } } })
    } catch (error) {
      throw new UsageError((error instanceof Error ? error.message : String(error)).replaceAll('\n', ' '))
    }
    const empty = Object.keys(parsed.values).find((option) => parsed.values[option] === '')
    if (empty !== undefined) throw new UsageError(`--${empty} is empty`)
    if (parsed.values.help) {
      await write(help)
      return 0
    }
    return await run(/** @type {never} */ (parsed.values), parsed.positionals)
  } catch (error) {
    if (error instanceof OutputError) return outputFailed(error)
    if (!(error instanceof UsageError)) throw error
    complain(error.message)
    process.stderr.write(`Try 'linformer ${name !== undefined && Object.hasOwn(COMMANDS, name) ? `${name} ` : ''}--help'.\n`)
    return 2
  }
}

/** @param {OutputError} error @returns {number} exit status */
function outputFailed({ message, cause }) {
  // A reader that goes away early, as `head` does, is no error.
  if (/** @type {NodeJS.ErrnoException} */ (cause).code === 'EPIPE') return 0
  complain(message)
  return 1
}

// A signal is acted on between two writes, so that the last line is whole, and then as by any other program: the shell
// sees which signal it was.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    process.kill(process.pid, signal)
  })
}
process.stdout.on('error', (error) => process.exit(outputFailed(new OutputError(error))))
process.stderr.on('error', () => {}) // nobody is left to tell
process.exitCode = await main(process.argv.slice(2))
