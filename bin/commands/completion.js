/**
 * linformer completion: what a shell needs to complete commands, options and files.
 */
import { TYPES } from 'linformer-wasm/documents'
import { UsageError, write } from '../terminal.js'

/** @typedef {Readonly<Record<string, { readonly options: import('./index.js').Options }>>} Commands */

export const completionOptions = /** @type {const} */ ({})

export const completionHelp = `Usage: linformer completion bash|zsh|fish

Writes a completion script. In the shell's start-up file:

  bash   eval "$(linformer completion bash)"
  zsh    eval "$(linformer completion zsh)"
  fish   linformer completion fish | source
`

/** What options take, where that is one of a few words. @type {Record<string, string>} */
const WORDS = { overflow: 'window truncate error', type: TYPES.join(' '), backend: 'relaxed simd128', precision: 'float32 int8' }

/** A command's options as words, with `--help`. @param {Commands[string]} command */
const optionsOf = ({ options }) => [...Object.keys(options), 'help'].map((option) => `--${option}`)

/** @param {Commands} commands */
function bash(commands) {
  const cases = Object.entries(commands).map(([name, command]) => `    ${name}) words="${optionsOf(command).join(' ')}" ;;`)
  const values = Object.entries(WORDS).map(([option, words]) => `    --${option}) COMPREPLY=($(compgen -W "${words}" -- "$current")); return ;;`)
  return `_linformer() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${Object.keys(commands).join(' ')} --help --version" -- "$current"))
    return
  fi
  case $previous in
${values.join('\n')}
  esac
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  [ "\${COMP_WORDS[1]}" = completion ] && words="$words bash zsh fish"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case $current in -*) ;; *) COMPREPLY+=($(compgen -f -- "$current")) ;; esac
}
complete -o filenames -F _linformer linformer
`
}

/** zsh runs bash's script through its own bashcompinit. @param {Commands} commands */
const zsh = (commands) => `autoload -Uz +X compinit bashcompinit && compinit && bashcompinit\n${bash(commands)}`

/** @param {Commands} commands */
function fish(commands) {
  const lines = [`complete -c linformer -n __fish_use_subcommand -f -a '${Object.keys(commands).join(' ')}'`]
  for (const [name, { options }] of Object.entries(commands)) {
    for (const [option, { type, short, alone }] of Object.entries(options)) {
      const words = WORDS[option] === undefined ? '' : ` -f -a '${WORDS[option]}'`
      lines.push(`complete -c linformer -n '__fish_seen_subcommand_from ${name}' -l ${option}${short ? ` -s ${short}` : ''}${type === 'string' && alone === undefined ? ` -r${words}` : ''}`)
    }
  }
  lines.push("complete -c linformer -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'")
  return `${lines.join('\n')}\n`
}

/**
 * @param {Commands} commands to complete
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function completion(commands, positionals) {
  /** @type {Record<string, (commands: Commands) => string>} */
  const shells = { bash, zsh, fish }
  const [shell] = positionals
  if (positionals.length !== 1 || !Object.hasOwn(shells, shell)) {
    throw new UsageError(`completion takes one of ${Object.keys(shells).join(', ')}, not ${JSON.stringify(positionals.join(' '))}`)
  }
  await write(shells[shell](commands))
  return 0
}
