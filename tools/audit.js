#!/usr/bin/env node
/**
 * Asks the npm registry for known vulnerabilities of every package in the lock files, those of development included (the
 * package itself depends on none).
 *
 *     npm run audit
 *
 * Exit status 0: asked, and nothing is known; 1: there are findings, which are listed; 3: the registry could not be asked or
 * does not answer such questions, so nothing is known either way.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Folders with a lock file. */
const FOLDERS = ['.', 'bench', 'tests/package/tools']

const FINDINGS = 1
const UNANSWERED = 3

/**
 * @param {string} folder
 * @returns {Promise<any>} what `npm audit --json` prints
 */
const ask = (folder) => new Promise((resolve) => {
  execFile('npm', ['audit', '--json', '--package-lock-only'], { cwd: `${ROOT}/${folder}`, encoding: 'utf8', maxBuffer: 2 ** 26 }, (error, stdout) => {
    try {
      resolve(JSON.parse(stdout))
    } catch {
      resolve({ message: error?.message ?? 'npm audit printed no JSON' })
    }
  })
})

/** @returns {Promise<number>} exit status */
async function main() {
  let status = 0
  for (const folder of FOLDERS) {
    const answer = await ask(folder)
    if (answer.auditReportVersion === undefined) {
      console.error(`audit: ${folder}: not audited, for the registry did not answer: ${answer.message ?? JSON.stringify(answer)}`)
      status ||= UNANSWERED
      continue
    }
    const { total } = answer.metadata.vulnerabilities
    console.log(`audit: ${folder}: ${total} of ${answer.metadata.dependencies.total} packages have known vulnerabilities`)
    for (const [name, { severity, range, via }] of Object.entries(/** @type {Record<string, any>} */ (answer.vulnerabilities))) {
      const titles = via.map((/** @type {any} */ each) => typeof each === 'string' ? `by way of ${each}` : `${each.title} ${each.url}`)
      console.log(`  ${name} ${range}, ${severity}: ${titles.join('; ')}`)
    }
    if (total > 0) status = FINDINGS
  }
  return status
}

process.exitCode = await main()
