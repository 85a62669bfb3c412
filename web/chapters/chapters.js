/**
 * The chapters below the document. They are fetched, mounted and laid out when the document has been read, one after another, or when
 * one comes near before that: nothing of them stands in the way of the first result.
 */
import { element, find } from '../common/dom.js'
import { nextFrame } from '../common/pause.js'
import { DIGITS, trunkOf } from '../engine/models.js'

/**
 * @typedef {import('../engine/models.js').Task} Task
 * @typedef {import('../wasm/index.js').Config} Config
 *
 * @typedef {object} Chapter what a chapter is told, once it is mounted
 * @property {(task: Task, config: Config) => void} [useModel]
 * @property {(tokens: number) => void} [documentRead]
 */

const NEAR = '600px 0px'

/** @param {() => string} text of the document */
export function createChapters(text) {
  const part = (/** @type {string} */ id) => find(document, `#${id}`, HTMLElement)
  /** By section; the others have nothing to be mounted. @type {Record<string, () => Promise<Chapter>>} */
  const mounts = {
    async complexity() {
      const { mountComplexity } = await import('./complexity.js')
      return mountComplexity(part('complexity'))
    },
    async spectrum() {
      const { mountSpectrum } = await import('./spectrum.js')
      const { useModel, documentRead } = mountSpectrum(part('spectrum'), part('fold'), text)
      return { documentRead, useModel: (task, config) => useModel({ file: trunkOf(task), config }) }
    },
    async sharing() {
      const { showSharing } = await import('./sharing.js')
      return { useModel: (_, config) => showSharing(part('sharing'), config) }
    },
    async digit() {
      const { mountDigit } = await import('./digit.js')
      mountDigit(part('digit'), DIGITS)
      return {}
    }
  }

  /** @type {Chapter[]} */
  const mounted = []
  /** @type {{ task: Task, config: Config } | undefined} */
  let model
  /** Tokens of the document that was read last. @type {number | undefined} */
  let read
  /** @type {Promise<void> | undefined} */
  let mounting

  async function mountAll() {
    near.disconnect()
    for (const section of document.querySelectorAll('.chapter')) {
      await mountOne(section)
      section.classList.add('drawn')
      await nextFrame()
    }
  }

  /** @param {Element} section */
  async function mountOne(section) {
    const mount = mounts[section.id]
    if (mount === undefined) return
    try {
      const chapter = await mount()
      mounted.push(chapter)
      if (model !== undefined) chapter.useModel?.(model.task, model.config)
      await nextFrame()
      if (read !== undefined) chapter.documentRead?.(read)
    } catch (error) {
      // The others can do without it.
      const why = error instanceof Error ? error.message : String(error)
      section.querySelector('.chapter-figure')?.prepend(element('p', { class: 'soft' }, `This part of the page could not be loaded (${why}). Reload the page to try again.`))
    }
  }

  const mount = () => (mounting ??= mountAll())
  const near = new IntersectionObserver((entries) => {
    if (entries.some(({ isIntersecting }) => isIntersecting)) void mount()
  }, { rootMargin: NEAR })
  for (const id of Object.keys(mounts)) near.observe(part(id))

  return {
    /** Mounts all of them, if that has not begun yet. @returns {Promise<void>} when they are there */
    mount,
    /** @param {Task} task @param {Config} config of the model that answers it */
    useModel(task, config) {
      model = { task, config }
      for (const chapter of mounted) chapter.useModel?.(task, config)
    },
    /** @param {number} tokens of the document */
    documentRead(tokens) {
      read = tokens
      for (const chapter of mounted) chapter.documentRead?.(tokens)
    }
  }
}
