/**
 * `npm run audit`: what it makes of a registry's answers, and what the registry at hand says.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'

const cache = mkdtempSync(join(tmpdir(), 'audit-'))
test.after(() => rmSync(cache, { recursive: true, force: true }))

/** @returns {Promise<{ status: number, stdout: string, stderr: string }>} */
const audit = (env = {}) => new Promise((resolve) => {
  execFile(process.execPath, ['tools/audit.js'], { encoding: 'utf8', env: { ...process.env, ...env } }, (error, stdout, stderr) => {
    resolve({ status: error ? Number(error.code) : 0, stdout, stderr })
  })
})

const { version } = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages['node_modules/typescript']

/** The audit as a registry would have it that answers like this: `advisories` by package, or an HTTP status. */
async function auditWith(t, advisories) {
  const server = createServer((request, response) => {
    request.resume()
    if (typeof advisories === 'number') response.writeHead(advisories).end()
    else if (request.method === 'POST') response.setHeader('content-type', 'application/json').end(JSON.stringify(advisories))
    else if (request.url === '/typescript') response.end(JSON.stringify({ name: 'typescript', 'dist-tags': {}, versions: { [version]: { name: 'typescript', version } } }))
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  t.after(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  const { port } = server.address()
  return audit({ npm_config_registry: `http://127.0.0.1:${port}/`, npm_config_noproxy: '127.0.0.1', npm_config_cache: cache, npm_config_fetch_retries: '0' })
}

test('nothing known: exit status 0, and every lock file was asked about', async (t) => {
  const { status, stdout, stderr } = await auditWith(t, {})
  assert.deepEqual([status, stderr], [0, ''])
  assert.deepEqual(stdout.match(/^audit: \S+: 0 of [1-9]\d* /gm)?.map((line) => line.split(' ')[1]), ['.:', 'bench:', 'tests/package/tools:'])
})

test('a finding: exit status 1, with its name and title', async (t) => {
  const advisory = { id: 1, url: 'https://example.org/advisory', title: 'Types that lie', severity: 'high', vulnerable_versions: '<99' }
  const { status, stdout } = await auditWith(t, { typescript: [advisory] })
  assert.equal(status, 1)
  assert.match(stdout, /typescript .*high: Types that lie https:\/\/example\.org\/advisory/)
})

test('a registry that does not answer: exit status 3, and no claim', async (t) => {
  for (const answer of [405, 500]) {
    const { status, stdout, stderr } = await auditWith(t, answer)
    assert.deepEqual([status, stdout], [3, ''])
    assert.match(stderr, /not audited, for the registry did not answer/)
  }
})

test('the registry at hand reports no finding: it says that there are none, or does not answer', { timeout: 60_000 }, async (t) => {
  const { status, stdout, stderr } = await audit()
  t.diagnostic((status === 3 ? stderr : stdout).trim())
  assert.notEqual(status, 1, stdout)
})
