#!/usr/bin/env node
/**
 * Writes tests/golden/hashes.txt: the bits that every host has to give, as tests/c/test_cases.c prints them. For when the
 * arithmetic, a case or a golden model has been changed on purpose. Two builds that share no compiler and no kernels
 * have to agree first: scalar C on this machine, and the simd128 modules in Node.js.
 *
 *     npm run hashes
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { caseHashes, modelHashes } from '../js/helpers/determinism.js'
import { goldenModels } from '../js/helpers/golden-models.js'

execFileSync('make', ['-s', 'wasm', 'build/test/simd128.wasm'], { stdio: 'inherit' })
execFileSync('make', ['-s', 'config=release', 'build/native-release/test_cases'], { stdio: 'inherit' })
mkdirSync('build', { recursive: true })
const models = goldenModels()
writeFileSync('build/golden-models.bin', models)

const printed = execFileSync('build/native-release/test_cases', ['build/golden-models.bin'], { encoding: 'utf8' })
const native = printed.trim().split('\n').map((line) => line.split(' ').slice(0, 4).join(' '))
const wasm = [
  ...await caseHashes(readFileSync('build/test/simd128.wasm')),
  ...await modelHashes(readFileSync('wasm/dist/linformer-simd128.wasm'), models)
]
const different = native.flatMap((line, i) => line === wasm[i] ? [] : [`${line}, and simd128 says ${wasm[i]}`])
if (different.length > 0 || native.length !== wasm.length) {
  console.error(`nothing is written, for scalar C and simd128 differ:\n${different.join('\n')}`)
  process.exit(1)
}
writeFileSync('tests/golden/hashes.txt', `${native.join('\n')}\n`)
console.log(`${native.length} hashes`)
