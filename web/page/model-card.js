/** What the model is, in its own file's words, and what it is not. */
import { element } from '../common/dom.js'
import { count, plural } from '../common/format.js'

/**
 * @param {HTMLElement} box
 * @param {import('../wasm/index.js').Classifier} classifier
 * @param {import('../engine/models.js').Task} task
 */
export function showModel(box, { config, labels, metadata, backend }, { card, title }) {
  const trained = metadata.trained_on ? ` Trained on: ${metadata.trained_on}.` : ''
  const words = `The model “${metadata.name ?? title}”: \
${plural(config.n_layers, 'layer')} of width ${count(config.d_model)}, attention \
${config.attention === 'full' ? 'in full' : `projected to ${[...new Set(config.k)].map(count).join(', ')} rows`}, up to \
${count(config.n_max)} tokens at once, ${backend === 'relaxed' ? 'relaxed SIMD' : 'SIMD'}.${trained} It is small and it \
errs; whatever the text is about, it knows ${labels.length > 12 ? `${labels.length} labels` : labels.map((label) => `“${label}”`).join(', ')}, and no other. `
  box.replaceChildren(words, ...(card === undefined ? [] : [element('a', { href: card }, 'Its card'), ' has its accuracy, how it was trained, and its limits.']))
}
