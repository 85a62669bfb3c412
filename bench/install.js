/**
 * The packages that the benchmarks compare with: installed on first use, into bench/node_modules.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

export const folder = fileURLToPath(new URL('.', import.meta.url))

/** Installs what package-lock.json names, if one of the peers is not there yet. No package's scripts are run. */
export function installPeers() {
  const { dependencies } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8'))
  if (Object.keys(dependencies).every((name) => existsSync(`${folder}node_modules/${name}`))) return
  console.error('bench: installing the peers (720 MB) ...')
  execFileSync('npm', ['--prefix', folder, 'ci', '--ignore-scripts'], { stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' })
}

/** @param {string} name of a package @returns {Promise<any>} */
export const peer = (name) => import(name)

/** Node.js 24, or the one that runs this where that package does not exist. @returns {string} */
export function nodePath() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return manifest.replace('package.json', process.platform === 'win32' ? 'bin/node.exe' : 'bin/node')
  } catch {
    return process.execPath
  }
}
