/**
 * The spectrum of a document's attention, in a worker. Its progress is in words.
 */
import { embed, readModel, runLayer, tokenIds } from '../chapters/attention.js'
import { singularValues } from '../chapters/svd.js'
import { load, readSafetensors, tensorValues } from '../wasm/index.js'
import { serve } from './serve.js'

const CHARACTERS = 12 // of a text for each token, at most; only the beginning is needed

/**
 * @param {{ file: string, text: string, most: number }} what the address of a model with full attention, and the most tokens to take
 * @param {(status: string) => void} say
 * @returns {Promise<{ spectra: Float64Array[][], n: number }>} for each layer and head the singular values, descending
 */
async function spectraOf({ file, text, most }, say) {
  say('Fetching the model with full attention…')
  const response = await fetch(file)
  if (!response.ok) throw new Error(`the model with full attention could not be fetched: status ${response.status}`)
  const bytes = await response.arrayBuffer()
  const { config, weights } = readModel({ readSafetensors, tensorValues }, bytes)
  const classifier = await load(bytes)
  const start = text.slice(0, most * CHARACTERS)
  const { explanation } = await classifier.classify(start, { explain: true, overflow: 'truncate' })
  const lowercase = JSON.parse(classifier.metadata.tokenizer).lowercase === true
  classifier.dispose()
  const ids = tokenIds(start, explanation?.tokens.slice(0, Math.min(most, config.n_max)) ?? [], weights, lowercase)
  const n = ids.length
  const x = embed(config, weights, ids)
  const spectra = []
  for (let layer = 0; layer < config.n_layers; layer++) {
    say(`Layer ${layer + 1} of ${config.n_layers}…`)
    spectra.push(runLayer(config, weights, layer, x).map((probs) => singularValues(probs, n, n)))
  }
  return { spectra, n }
}

serve({ spectra: spectraOf })
