/**
 * The tokenizer against the one of transformers.js (which is the package @huggingface/tokenizers), same text, same
 * vocabulary: the shipped model's.
 */
import { load } from '../wasm/node.js'
import { peer } from './install.js'
import { shippedText, tokenizerJson } from './shipped.js'
import { MODEL } from './start.js'
import { ratio, summarise } from './statistics.js'
import { randomNumbers } from './text.js'

/** Processor time of this thread, or the clock before Node.js 24. */
function threadMs() {
  const usage = /** @type {any} */ (process).threadCpuUsage?.()
  return usage === undefined ? performance.now() : (usage.user + usage.system) / 1000
}

/**
 * @param {{ rounds: number, text?: string }} options text: by default a megabyte of random words
 */
export async function compareTokenizers({ rounds, text = shippedText(MODEL, 1_000_000, randomNumbers(3)) }) {
  const { Tokenizer } = await peer('@huggingface/tokenizers')
  const tokenizer = new Tokenizer(tokenizerJson(MODEL), {})
  const bytes = new TextEncoder().encode(text).length
  // A text that is cut at its first token is tokenised to its end, and counted: nothing else is timed with it.
  const classifier = await load(MODEL, { maxTokens: 1 })
  const ours = async () => (await classifier.classify(text, { overflow: 'truncate' })).tokens
  const theirs = async () => tokenizer.encode(text).ids.length
  const tokens = { ours: await ours(), theirs: await theirs() }
  /** @type {Record<'ours' | 'theirs', number[]>} */
  const ms = { ours: [], theirs: [] }
  const time = async (/** @type {() => Promise<number>} */ run) => {
    const started = threadMs()
    await run()
    return threadMs() - started
  }
  for (let round = 0; round < rounds; round++) {
    ms.ours.push(await time(ours))
    ms.theirs.push(await time(theirs))
  }
  classifier.dispose()
  const perSecond = (/** @type {number[]} */ times) => summarise(times.map((time) => bytes / time / 1000))
  return {
    bytes, tokens, megabytesPerSecond: { ours: perSecond(ms.ours), theirs: perSecond(ms.theirs) }, faster: ratio(ms.theirs, ms.ours)
  }
}
