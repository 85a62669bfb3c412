/** What to do with a taught model: keep it as a file, and use it elsewhere. */
import { element } from '../common/dom.js'
import { bytes } from '../common/format.js'
import { save } from '../common/save.js'

/** @param {string} name @returns {string} the same as a file's name */
export const fileName = (name) => `${name.normalize('NFC').replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 60) || 'my-labels'}.safetensors`

/**
 * @param {object} model
 * @param {string} model.name
 * @param {Uint8Array<ArrayBuffer>} model.head
 * @param {() => Promise<Uint8Array<ArrayBuffer>>} model.complete the head and its trunk in one file
 * @param {(problem: unknown) => void} onProblem
 * @returns {HTMLElement}
 */
export function createUse({ name, head, complete }, onProblem) {
  const file = fileName(name)
  const code = `import { load } from 'linformer-wasm'

const classifier = await load('./${file}') // finds the trunk that comes with the package
const { label, score, doubt } = await classifier.classify(text)`
  const command = `npx linformer classify --model ${file} letters/*.pdf`
  const small = element('button', { type: 'button' }, `Download the model, ${bytes(head.byteLength)}`)
  small.addEventListener('click', () => save(new Blob([head]), file))
  const large = element('button', { type: 'button', class: 'quiet' }, 'With its trunk, in one file')
  large.addEventListener('click', async () => {
    try {
      save(new Blob([await complete()]), file.replace(/\.safetensors$/, '-complete.safetensors'))
    } catch (error) {
      onProblem(error)
    }
  })
  return element('div', { class: 'use' }, element('div', { class: 'actions' }, small, large), block('In JavaScript', code), block('On the command line', command))
}

/** @param {string} title @param {string} code */
function block(title, code) {
  const copy = element('button', { type: 'button', class: 'small quiet' }, 'Copy')
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code)
      copy.textContent = 'Copied'
    } catch {
      copy.textContent = 'The browser did not allow it'
    }
  })
  return element('div', { class: 'code' }, element('div', { class: 'code-head' }, element('span', {}, title), copy), element('pre', { tabindex: '0', role: 'region', 'aria-label': title }, element('code', {}, code)))
}
