/**
 * What a caller holds: a trunk and a head of it, which judges documents.
 */
import { addDispose } from '../common/dispose.js'
import { LinformerError } from '../common/errors.js'
import { INSIDE, insideOf } from '../common/kinds.js'
import { checkTeachOptions, createTeacher, teachWith } from '../teach/teach.js'
import { eachInput, notOnTrunk } from './inputs.js'
import { addRemovals } from './removal.js'
import { askFor, resultOf } from './result.js'

/**
 * @typedef {import('../index.js').Classifier} PublicClassifier
 * @typedef {import('../index.js').ClassifyOptions} ClassifyOptions
 * @typedef {import('../index.js').Result} Result
 * @typedef {import('../engine/heads.js').PlacedHead} PlacedHead
 * @typedef {import('../source/head.js').Head} Head
 * @typedef {import('./inputs.js').Document} Document
 * @typedef {import('./trunk.js').Trunk} Trunk
 *
 * @typedef {object} Shared what all classifiers on one trunk have in common
 * @property {Trunk} trunk
 * @property {Head | undefined} own the head that is in the trunk's file
 * @property {Pick<PublicClassifier, 'config' | 'metadata' | 'backend' | 'precision' | 'threads' | 'memory'>} description
 * @property {(options: { signal?: AbortSignal }) => Promise<string>} id what heads of the trunk name it by
 * @property {(source: unknown, options: unknown) => Promise<{ head: Head, signal?: AbortSignal }>} readHead a head file that fits this trunk, and
 *   the checked signal
 * @property {(head: Head, options: unknown) => Promise<Uint8Array<ArrayBuffer>>} complete a model file of this trunk and a head
 */

/** @typedef {{ trunk: Trunk, placed: PlacedHead | undefined, disposed: () => boolean }} Inside */

const disposedError = () => new LinformerError('DISPOSED', 'this classifier has been disposed of')

/**
 * All methods are functions of the object's own, whatever `this` is: they work detached, in a copy, and through proxies.
 *
 * @param {Shared} shared
 * @param {PlacedHead | undefined} placed the head, if there is one
 * @param {boolean} owner whether disposing of this classifier is disposing of the trunk
 * @returns {PublicClassifier}
 */
export function createClassifier(shared, placed, owner) {
  const { trunk, description } = shared
  const head = placed?.head
  let disposed = false
  const check = () => {
    if (disposed || trunk.disposed) throw disposedError()
  }

  /** @param {Inside | undefined} inside of a classifier @param {string} name what it is called @returns {PlacedHead} */
  const placedOf = (inside, name) => {
    if (inside?.trunk !== trunk) throw notOnTrunk(name)
    if (inside.placed === undefined) throw new LinformerError('BAD_ARGUMENT', `${name} is a trunk without a head`)
    if (inside.disposed()) throw disposedError()
    return inside.placed
  }

  /** @param {ClassifyOptions['heads']} given @returns {PlacedHead[]} */
  const headsOf = (given) => {
    if (given === undefined) {
      if (placed === undefined) throw new LinformerError('BAD_ARGUMENT', 'this is a trunk without a head: attach one, or pass heads')
      return [placed]
    }
    return given.map((each, i) => placedOf(/** @type {Inside | undefined} */ (insideOf(each)), `heads[${i}]`))
  }

  /** @type {import('./inputs.js').Work<Result | Result[]>} */
  const classifyOne = async (document, options, index, count) => {
    check()
    const heads = headsOf(options.heads)
    return trunk.take(options, { index, count }, async (turn) => {
      check()
      const reading = await trunk.read(document, options.overflow, askFor(heads, options), turn)
      const results = []
      for (const each of heads) {
        const result = await resultOf(each, reading, document, options, turn.pause)
        if (options.explain === 'removal') await addRemovals(trunk, each, document, result, options, turn)
        results.push(result)
      }
      return options.heads === undefined ? results[0] : results
    })
  }

  /** @type {import('./inputs.js').Work<Float32Array>} */
  const embedOne = async (document, options, index, count) => {
    check()
    return trunk.take(options, { index, count }, async (turn) => {
      const ask = { heads: [], offsets: false, contributions: false, each: false, pooled: true }
      const { vector } = await trunk.read(document, options.overflow, ask, turn)
      return /** @type {Float32Array} */ (vector)
    })
  }

  /** @param {import('../index.js').TeachOptions} options */
  const teacherFor = (options) => createTeacher({
    config: /** @type {import('../index.js').Config} */ (description.config),
    name: description.metadata.name,
    id: () => shared.id(options),
    read: (document, { overflow }, index, count) => trunk.take(options, { index, count }, async (turn) => {
      check()
      const ask = { heads: [], offsets: false, contributions: false, each: false, pooled: true }
      const { vector, tokens, used } = await trunk.read(document, overflow, ask, turn)
      return { vector: /** @type {Float32Array} */ (vector), ids: Uint32Array.from(tokens.ids.range(0, used)) }
    }),
    work: (work) => trunk.take(options, {}, ({ pause }) => work(pause))
  }, options)

  const isOwn = head === undefined || head === shared.own
  const metadata = isOwn ? description.metadata : head.metadata
  const { n_classes: _, pooling: __, window: ___, words: ____, ...ofTrunk } = description.config
  /** @type {unknown} */
  const classifier = {
    ...description,
    config: Object.freeze({ ...isOwn ? description.config : { ...ofTrunk, ...head.config }, k: Object.freeze([...description.config.k]) }),
    labels: Object.freeze([...head?.labels ?? []]),
    labelsKind: head?.labelsKind ?? 'one',
    thresholds: head?.thresholds && Object.freeze([...head.thresholds]),
    name: metadata.name,
    metadata: Object.freeze({ ...metadata }),
    memory: Object.freeze({ ...description.memory }),

    classify: (/** @type {unknown} */ input, /** @type {unknown} */ options = {}) => eachInput(input, options, classifyOne),

    embed: (/** @type {unknown} */ input, /** @type {unknown} */ options = {}) => eachInput(input, options, embedOne),

    async attach(/** @type {unknown} */ source, /** @type {unknown} */ options = {}) {
      check()
      const { head: read, signal } = await shared.readHead(source, options)
      check()
      const attached = await trunk.attach(read, signal)
      if (disposed) trunk.detach(attached)
      check()
      return createClassifier(shared, attached, false)
    },

    async export(/** @type {unknown} */ source, /** @type {unknown} */ options = {}) {
      check()
      const inside = /** @type {Inside | undefined} */ (insideOf(source))
      const given = async () => inside ? placedOf(inside, 'head').head : (await shared.readHead(source, options)).head
      const chosen = source === undefined ? head : await given()
      if (chosen === undefined) throw new LinformerError('BAD_ARGUMENT', 'this is a trunk without a head: name the head to export it with')
      const file = await shared.complete(chosen, options)
      check()
      return file
    },

    async teach(/** @type {unknown} */ examples, /** @type {unknown} */ given = {}) {
      check()
      const options = checkTeachOptions(given)
      return teachWith(examples, options, teacherFor(options))
    },

    dispose() {
      if (disposed) return
      disposed = true
      if (owner) trunk.dispose()
      else if (placed !== undefined) trunk.detach(placed)
    }
  }
  // Not enumerable: it stays out of copies that are sent, and of what is printed.
  Object.defineProperty(classifier, INSIDE, { value: () => ({ trunk, placed, disposed: () => disposed || trunk.disposed }) })
  addDispose(/** @type {PublicClassifier} */ (classifier))
  return /** @type {PublicClassifier} */ (classifier)
}
