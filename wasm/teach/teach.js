/**
 * trunk.teach: examples in, a head file and a report out.
 */
import { asOptions, checkCallbacks } from '../classify/inputs.js'
import { LinformerError, show } from '../common/errors.js'
import { checkExample, Examples, iterate, labelProblem, ofExample } from './examples.js'
import { fit } from './fit.js'
import { headFile } from './head-file.js'

/**
 * @typedef {import('../index.js').TeachOptions} TeachOptions
 * @typedef {import('../index.js').Taught} Taught
 * @typedef {import('../classify/inputs.js').Document} Document
 *
 * @typedef {object} Teacher what examples are given to, one by one
 * @property {(example: unknown, index: number, count: number | undefined) => Promise<void>} add
 * @property {() => Promise<Taught>} finish
 *
 * @typedef {object} Reader a trunk, as teaching needs it
 * @property {import('../index.js').Config} config
 * @property {(document: Document, options: TeachOptions, index: number, count: number | undefined) => Promise<{ vector: Float32Array, ids: Uint32Array }>} read what `embed` gives, [2 d_model], and the tokens
 * @property {(work: (pause: () => Promise<void>) => Promise<Taught>, options: TeachOptions) => Promise<Taught>} work takes its turn
 * @property {() => Promise<string>} id what heads of the trunk name it by
 * @property {string | undefined} name
 */

/** Most bytes that examples take, if nothing else is said. */
const MEMORY = 2 ** 31
/** An example that fails with one of these is left out; anything else ends the whole. */
const OF_AN_EXAMPLE = ['EMPTY_TEXT', 'NOT_FINITE']

/** @param {unknown} given @returns {TeachOptions} */
export function checkTeachOptions(given) {
  const options = asOptions(given)
  const { memoryBudget, name, license, trainedOn, overflow } = options
  if (memoryBudget !== undefined && !(Number.isSafeInteger(memoryBudget) && Number(memoryBudget) > 0)) {
    throw new LinformerError('BAD_ARGUMENT', `memoryBudget is ${show(memoryBudget)}; it has to be a whole number of bytes`)
  }
  for (const [key, value] of Object.entries({ name, license, trainedOn })) {
    if (value !== undefined && typeof value !== 'string') throw new LinformerError('BAD_ARGUMENT', `${key} is ${show(value)}, not a string`)
  }
  if (overflow !== undefined && overflow !== 'window' && overflow !== 'truncate') {
    throw new LinformerError('BAD_ARGUMENT', `overflow is ${show(overflow)}; it can be 'window', 'truncate'`)
  }
  checkCallbacks(options)
  return /** @type {TeachOptions} */ (options)
}

/**
 * @param {Reader} reader
 * @param {TeachOptions} options
 * @returns {Teacher}
 */
export function createTeacher(reader, options) {
  const { config } = reader
  const examples = new Examples(2 * config.d_model, options.memoryBudget ?? MEMORY)
  /** @type {import('../index.js').TeachReport['skipped']} */
  const skipped = []

  /**
   * @param {ReturnType<typeof checkExample>} example
   * @param {number} index
   * @param {number | undefined} count
   * @returns {Promise<LinformerError | undefined>} why it cannot be read
   */
  async function addReading(example, index, count) {
    const { document, labels } = example
    try {
      examples.expect(example)
      examples.add(index, document, labels, await reader.read(document, options, index, count))
    } catch (error) {
      if (!(error instanceof LinformerError) || !OF_AN_EXAMPLE.includes(error.code)) throw ofExample(error, index)
      return error
    }
  }

  return {
    async add(example, index, count) {
      const checked = checkExample(example, index)
      // One that cannot be used is left out, and told; the others are not lost for it.
      const problem = labelProblem(checked) ?? await addReading(checked, index, count)
      if (problem !== undefined) skipped.push({ index, code: problem.code, message: problem.message })
      options.onProgress?.({ phase: 'examples', done: index + 1, total: count })
    },
    async finish() {
      const trunk = await reader.id()
      const { bytes } = examples
      const { read, sameText } = examples.finish(config.vocab_size, skipped)
      return reader.work(async (pause) => {
        const { head, report: measured } = await fit(read, async (share) => {
          options.onProgress?.({ phase: 'fit', done: share, total: 1 })
          await pause()
        })
        const report = { ...measured, sameText, skipped, bytes }
        // Of single examples the file says nothing: their numbers mean nothing without the texts.
        const { suspects, nearDuplicates, sameText: _, skipped: left, bytes: __, ...told } = report
        const { name, license = 'not said', trainedOn = 'not said' } = options
        const file = headFile(head, {
          trunk,
          trunkName: reader.name,
          vocabulary: config.vocab_size,
          metadata: { ...(name === undefined ? {} : { name }), license, trained_on: trainedOn, report: JSON.stringify(told) }
        })
        return { head: file, report }
      }, options)
    }
  }
}

/**
 * Gives examples to a teacher.
 *
 * @param {unknown} examples an array, or an iterable or async iterable
 * @param {TeachOptions} options
 * @param {Teacher} teacher
 * @returns {Promise<Taught>}
 */
export async function teachWith(examples, { signal }, teacher) {
  // What is wrong with an array is told before its documents are read, which takes a while.
  if (Array.isArray(examples)) {
    const checked = examples.map(checkExample)
    const labels = new Set(checked.flatMap((example) => example.labels))
    if (labels.size === 1 && checked[0].kind === 'one') {
      throw new LinformerError('BAD_ARGUMENT', `all ${examples.length} examples have the label ${show([...labels][0])}; at least two labels are needed`, { labels: 1 })
    }
  }
  await iterate(examples, signal, teacher.add)
  return teacher.finish()
}
