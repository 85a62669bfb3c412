/**
 * The commands, with their options and help.
 */
import { version } from 'linformer-wasm'
import { bench, benchHelp, benchOptions } from './bench.js'
import { classify, classifyHelp, classifyOptions } from './classify.js'
import { completion, completionHelp, completionOptions } from './completion.js'
import { evaluate, evaluateHelp, evaluateOptions } from './evaluate.js'
import { inspectHelp, inspectModel, inspectOptions } from './inspect.js'
import { teach, teachHelp, teachOptions } from './teach.js'

export const HELP = `linformer ${version} - classifies long documents, on this machine, in fixed memory

Usage:
  linformer classify [options] [FILE ... | -]   label documents
  linformer teach EXAMPLES --out FILE           learn labels of your own from examples
  linformer evaluate --model MODEL EXAMPLES     how good a model is on examples it has not seen
  linformer inspect [--json] MODEL              shape, tensors and memory plan of a model
  linformer bench [options]                     linear against full attention, on this machine
  linformer completion SHELL                    completion for bash, zsh or fish
  linformer COMMAND --help                      options of a command
  linformer --help | --version

Results go to stdout, everything else to stderr. Exit status: 0 done, 1 a document or the model failed (the others
still have their results), 2 bad usage. NO_COLOR and FORCE_COLOR are honoured.
`

/**
 * `alone`: the value of an option that may stand without one.
 *
 * @typedef {{ readonly [name: string]: { readonly type: 'string' | 'boolean', readonly short?: string, readonly alone?: string } }} Options
 */

/**
 * What the command line has for a command's options.
 *
 * @template {Options} Of
 * @typedef {{ [Name in keyof Of]?: Of[Name]['type'] extends 'boolean' ? boolean : Of[Name]['type'] extends 'string' ? string : string | boolean }} Values
 */

/**
 * @typedef {object} Command
 * @property {(values: never, positionals: string[]) => Promise<number>} run takes the values of its options; returns the exit status
 * @property {string} help
 * @property {Options} options of util.parseArgs
 */

/** @type {Record<string, Command>} */
export const COMMANDS = {
  classify: { run: classify, help: classifyHelp, options: classifyOptions },
  teach: { run: teach, help: teachHelp, options: teachOptions },
  evaluate: { run: evaluate, help: evaluateHelp, options: evaluateOptions },
  inspect: { run: inspectModel, help: inspectHelp, options: inspectOptions },
  bench: { run: bench, help: benchHelp, options: benchOptions },
  completion: { run: (_, positionals) => completion(COMMANDS, positionals), help: completionHelp, options: completionOptions }
}
