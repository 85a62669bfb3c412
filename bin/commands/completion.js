/**
 * linformer completion: what a shell needs to complete commands, options and files.
 */
import { TYPES } from 'linformer-wasm/documents'
import { UsageError, write } from '../terminal.js'
import { COMMANDS } from './index.js'

export const completionOptions = /** @type {const} */ ({})

export const completionHelp = `Usage: linformer completion bash|zsh|fish

Writes a completion script. In the shell's start-up file:

  bash   eval "$(linformer completion bash)"
  zsh    eval "$(linformer completion zsh)"
  fish   linformer completion fish | source
`

/** What options take, where that is one of a few words. @type {Record<string, string>} */
const WORDS = { overflow: 'window truncate error', type: TYPES.join(' '), backend: 'relaxed simd128', precision: 'float32 int8' }

/** Each command's options as words, with `--help`. */
const optionsOf = (/** @type {string} */ name) => [...Object.keys(COMMANDS[name].options), 'help'].map((option) => `--${option}`)

/** @returns {string} */
function bash() {
  const cases = Object.keys(COMMANDS).map((name) => `    ${name}) words="${optionsOf(name).join(' ')}" ;;`)
  const values = Object.entries(WORDS).map(([option, words]) => `    --${option}) COMPREPLY=($(compgen -W "${words}" -- "$current")); return ;;`)
  return `_linformer() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${Object.keys(COMMANDS).join(' ')} --help --version" -- "$current"))
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

/** zsh runs bash's script through its own bashcompinit. @returns {string} */
const zsh = () => `autoload -Uz +X compinit bashcompinit && compinit && bashcompinit\n${bash()}`

/** @returns {string} */
function fish() {
  const lines = [`complete -c linformer -n __fish_use_subcommand -f -a '${Object.keys(COMMANDS).join(' ')}'`]
  for (const [name, { options }] of Object.entries(COMMANDS)) {
    for (const [option, { type, short }] of Object.entries(options)) {
      const words = WORDS[option] === undefined ? '' : ` -f -a '${WORDS[option]}'`
      lines.push(`complete -c linformer -n '__fish_seen_subcommand_from ${name}' -l ${option}${short ? ` -s ${short}` : ''}${type === 'string' ? ` -r${words}` : ''}`)
    }
  }
  lines.push("complete -c linformer -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'")
  return `${lines.join('\n')}\n`
}

/**
 * @param {import('./index.js').Values<typeof completionOptions>} values
 * @param {string[]} positionals
 * @returns {Promise<number>} exit status
 */
export async function completion(values, positionals) {
  /** @type {Record<string, () => string>} */
  const shells = { bash, zsh, fish }
  const [shell] = positionals
  if (positionals.length !== 1 || !Object.hasOwn(shells, shell)) {
    throw new UsageError(`completion takes one of ${Object.keys(shells).join(', ')}, not ${JSON.stringify(positionals.join(' '))}`)
  }
  await write(shells[shell]())
  return 0
}
