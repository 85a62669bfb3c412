#!/usr/bin/env node
/**
 * The software bill of materials, as CycloneDX 1.5 JSON on stdout: every file of the package with its digest, and what
 * was used to make it. The same tree gives the same bytes: no date and no random serial number.
 *
 *     npm run -s sbom > build/sbom.cdx.json
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const ROOT = new URL('..', import.meta.url)

const read = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT))
const json = (/** @type {string} */ path) => JSON.parse(read(path).toString('utf8'))
const sha256 = (/** @type {string | Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex')

/** Paths that `npm pack` would put into the package, sorted. @returns {string[]} */
function packedFiles() {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return JSON.parse(output)[0].files.map((/** @type {{ path: string }} */ { path }) => path).sort()
}

/** @returns {object} the bill */
export function bill() {
  const manifest = json('package.json')
  const lock = json('package-lock.json')
  const { compiler } = json('wasm/dist/manifest.json')
  const purl = `pkg:npm/${manifest.name}@${manifest.version}`
  const files = packedFiles().map((path) => ({ type: 'file', name: path, hashes: [{ alg: 'SHA-256', content: sha256(read(path)) }] }))

  // Emscripten's C library is linked into the modules: memcpy, memmove and memset.
  const tools = compiler.split(', ').map((/** @type {string} */ tool) => {
    const [name, version] = tool.split(' ')
    return { type: 'application', name, version, scope: 'excluded' }
  })
  const libraries = Object.entries(lock.packages).filter(([path]) => path !== '').map(([path, { version, integrity, license, dev, devOptional, optional }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const digest = Buffer.from(String(integrity).replace(/^sha512-/, ''), 'base64').toString('hex')
    return {
      type: 'library', name, version, scope: dev || devOptional || optional ? 'excluded' : 'required', purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      hashes: [{ alg: 'SHA-512', content: digest }], ...(license ? { licenses: [{ expression: license }] } : {})
    }
  })
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: { type: 'library', 'bom-ref': purl, name: manifest.name, version: manifest.version, purl, licenses: [{ license: { id: manifest.license } }] }
    },
    components: [...files, ...tools, ...libraries],
    dependencies: [{ ref: purl, dependsOn: libraries.filter(({ scope }) => scope === 'required').map((each) => each.purl) }]
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) console.log(JSON.stringify(bill(), null, 2))
