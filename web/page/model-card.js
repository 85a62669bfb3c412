/** What the model is, in its own file's words, and what it is not. */
import { element, find } from '../common/dom.js'
import { count, plural } from '../common/format.js'

/**
 * @param {import('../wasm/index.js').Classifier} classifier
 * @param {import('../engine/models.js').Model} model
 */
export function showModel({ config, labels, metadata, backend }, { card }) {
  const trained = metadata.trained_on ? ` Trained on: ${metadata.trained_on}.` : ''
  const words = `The model “${metadata.name ?? 'without a name'}”: \
${plural(config.n_layers, 'layer')} of width ${count(config.d_model)}, attention \
${config.attention === 'full' ? 'in full' : `projected to ${[...new Set(config.k)].map(count).join(', ')} rows`}, up to \
${count(config.n_max)} tokens at once, ${backend === 'relaxed' ? 'relaxed SIMD' : 'SIMD'}.${trained} It is small and it \
errs; whatever the text is about, it answers one of ${labels.map((label) => `“${label}”`).join(', ')}. `
  find(document, '#about-model', HTMLElement).replaceChildren(words, element('a', { href: card }, 'Its card'), ' has its accuracy, how it was trained, and its limits.')
}
