/**
 * What the page opens with, and the engine. The HTML starts this module by itself, as soon as it is there: what its visitor waits for
 * is on its way while the rest of the page is still being fetched and put together.
 */
import { Engine } from '../engine/engine.js'
import { currentId, MODELS } from '../engine/models.js'
import { fromLink, hasText } from './link.js'
import { SAMPLES, sampleText } from './samples.js'

/** Bytes; what is chosen in the page as it comes. */
const BUDGET = 32 * 2 ** 20

export const engine = new Engine(BUDGET)

/** The sample that the page's address names. */
export const linkedSample = SAMPLES.find(({ id }) => id === fromLink('sample'))
/** The id of the model that it names, which may be one of the visitor's own. */
export const linkedModel = currentId(fromLink('model') ?? linkedSample?.model ?? MODELS[0].id)

const task = MODELS.find(({ id }) => id === linkedModel)
if (task !== undefined) engine.begin(task)
const sample = hasText() ? undefined : linkedSample ?? SAMPLES.find(({ id }) => id === task?.sample)
if (sample !== undefined) sampleText(sample).catch(() => {}) // whoever shows it has it tried again
