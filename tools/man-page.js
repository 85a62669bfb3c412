#!/usr/bin/env node
/**
 * Writes bin/linformer.1, the manual page, from the help that the commands give: `node tools/man-page.js`.
 */
import { realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { COMMANDS, HELP } from '../bin/commands/index.js'

/** Text that roff takes as it is. @param {string} text */
const escape = (text) => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^(['.])/gm, '\\&$1')

/** @param {string} text lines whose layout stays */
const verbatim = (text) => `.nf\n${escape(text.trim())}\n.fi`

/** @returns {string} */
export function manPage() {
  const sections = Object.entries(COMMANDS).map(([name, { help }]) => {
    const [usage, ...rest] = help.trim().split('\n')
    return `.SS linformer ${name}\n.B ${escape(usage.replace('Usage: ', ''))}\n.PP\n${verbatim(rest.join('\n').trim())}`
  })
  const [, usage] = HELP.split('\n\n')
  const notes = HELP.trim().split('\n\n').slice(2).join('\n\n')
  return `.\\" Written by tools/man-page.js.
.TH LINFORMER 1
.SH NAME
linformer \\- classifies long documents, on this machine, in fixed memory
.SH SYNOPSIS
${verbatim(usage.replace('Usage:\n', '').replace(/^ {2}/gm, ''))}
.SH DESCRIPTION
${escape(notes)}
.SH COMMANDS
${sections.join('\n')}
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
A document or the model failed; the other documents have their results.
.TP
.B 2
Bad usage.
.SH ENVIRONMENT
.TP
.B NO_COLOR, FORCE_COLOR
No colours; colours also where the output is no terminal.
.TP
.B XDG_CACHE_HOME
Where
.B \\-\\-cache
keeps models, in the folder linformer\\-wasm; ~/.cache if it is not set.
.SH EXAMPLES
.nf
linformer classify review.txt
linformer classify \\-\\-jsonl < reviews.jsonl > results.jsonl
linformer classify \\-\\-explain 'letters/**/*.{txt,html,pdf}'
linformer inspect sentiment
.fi
`
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../bin/linformer.1', import.meta.url), manPage())
}
