/**
 * The parts of training/ that need nothing but Python.
 */
import { execFileSync } from 'node:child_process'
import test from 'node:test'

test('CSV files as people have them', () => {
  execFileSync('python3', ['-B', '-m', 'unittest', 'discover', 'tests/training'], { stdio: 'pipe' })
})
