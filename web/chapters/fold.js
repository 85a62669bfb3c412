/**
 * The fold: which of a document's tokens each of the k rows is made of, by the E of the model at hand, as its file has it.
 */
import { element, onceInView } from '../common/dom.js'
import { count } from '../common/format.js'
import { Messenger } from '../workers/messenger.js'
import { heatMap } from './heat-map.js'
import { mountWords, wordOf } from './words.js'

/** @typedef {import('../wasm/index.js').Config} Config */

const MOST_COLUMNS = 1024 // of the picture; a column may be several tokens
const CONTEXT = 8 // tokens around the strongest of a row
const LISTED = 5 // of a row's tokens

/**
 * @param {HTMLElement} root
 * @param {{ text: () => Promise<{ text: string, whose: string }> }} options the document's text
 */
export function mountFold(root, { text }) {
  const worker = new Messenger(new URL('../workers/low-rank.js', import.meta.url))
  const map = heatMap({ name: '', className: 'fold-map', label: 'E, the matrix that folds. Its rows are the rows of the folded keys, its columns the tokens. The arrow keys choose.', onChoose: choose })
  const caption = map.root.querySelector('figcaption')
  const said = element('p', { class: 'cell', 'aria-live': 'polite' })
  const strip = element('div', { class: 'words', role: 'group', tabindex: '0', 'aria-label': 'The tokens that the chosen row is made of' })
  const status = element('p', { class: 'soft note', role: 'status' }, 'Drawn when it comes into view.')
  const words = mountWords(strip, () => {})
  root.replaceChildren(map.root, said, strip, status)

  /** @type {{ file: string | Uint8Array<ArrayBuffer>, config: Config } | undefined} */
  let model
  /** @type {import('../workers/low-rank.js').Fold | undefined} */
  let shown
  /** The text that was asked for last. @type {string | undefined} */
  let asked
  let row = 0
  let generation = 0
  let seen = false

  async function update() {
    if (model === undefined || !seen) return
    const mine = ++generation
    const { file, config } = model
    if (config.attention !== 'linformer' || config.projection !== 'linear') {
      shown = undefined
      root.removeAttribute('aria-busy')
      map.root.hidden = true
      said.replaceChildren()
      strip.replaceChildren()
      status.textContent = config.attention === 'linformer' ? `The model at hand has no E: it folds by the ${config.projection} of neighbouring rows.` : 'The model at hand has full attention, and folds nothing.'
      return
    }
    root.setAttribute('aria-busy', 'true')
    status.textContent = 'Reading the model’s E…'
    try {
      const { text: words, whose } = await text()
      asked = words
      const found = /** @type {import('../workers/low-rank.js').Fold} */ (await worker.call('fold', {
        file: typeof file === 'string' ? new URL(file, document.baseURI).href : file, text: words, most: MOST_COLUMNS
      }))
      if (mine !== generation) return
      shown = found
      worker.close() // it holds a model
      const { k, nMax, picture, columns, per, top, pieces } = shown
      const n = pieces.length
      map.root.hidden = false
      map.show(picture, { rows: k, columns, top, signed: true, power: 0.8 })
      if (caption) caption.textContent = `E: ${count(k)} rows down, ${count(n)} tokens of ${whose} across`
      const shared = config.sharing === 'layerwise' ? 'one for the keys and values of all layers and heads' : 'of the first layer'
      status.textContent = `${count(k)} × ${count(nMax)} learned numbers, ${shared}. ${pieces.length < nMax ? `The document is shorter than the ${count(nMax)} tokens that E has columns for.` : ''}`
      const at = row >= k || row === 0 ? Math.min(k - 1, Math.floor(k / 4)) : row
      choose(at, Math.floor(strongest(at)[0] / per))
    } catch (error) {
      if (mine !== generation) return
      asked = undefined
      status.textContent = `It could not be drawn: ${error instanceof Error ? error.message : error}.`
    } finally {
      if (mine === generation) root.removeAttribute('aria-busy')
    }
  }

  /** @param {number} of @returns {number[]} the row's tokens, the strongest first */
  function strongest(of) {
    if (shown === undefined) return []
    const { E, pieces: { length: n } } = shown
    const weight = (/** @type {number} */ t) => Math.abs(E[of * n + t])
    return Array.from({ length: n }, (_, t) => t).sort((a, b) => weight(b) - weight(a))
  }

  /** @param {number} toRow @param {number} toColumn */
  function choose(toRow, toColumn) {
    if (shown === undefined) return
    const again = row === toRow && strip.childElementCount > 0
    row = toRow
    map.mark(row, toColumn)
    if (again) return
    const { E, pieces } = shown
    const n = pieces.length
    const order = strongest(row)
    const weight = (/** @type {number} */ t) => E[row * n + t]
    const most = Math.abs(weight(order[0] ?? 0))
    // The stretch of neighbours of the strongest token that are strong too: what the row is mostly made of.
    let [from, to] = [order[0] ?? 0, order[0] ?? 0]
    const strong = (/** @type {number} */ t) => t >= 0 && t < n && Math.abs(weight(t)) > 0.25 * most
    for (let t = from; t > from - 4 && t >= 0; t--) if (strong(t)) from = t
    for (let t = to; t < to + 4 && t < n; t++) if (strong(t)) to = t
    let [all, inside] = [0, 0]
    for (let t = 0; t < n; t++) {
      all += weight(t) ** 2
      if (t >= from && t <= to) inside += weight(t) ** 2
    }
    const parts = order.slice(0, LISTED).filter((t) => Math.abs(weight(t)) > 0.1 * most).sort((a, b) => a - b)
    said.replaceChildren(`Row ${count(row + 1)} of ${count(shown.k)} = `, ...parts.flatMap((t, i) => {
      const value = weight(t)
      const sign = value < 0 ? ' \u2212 ' : i === 0 ? '' : ' + '
      return [`${sign}${Math.abs(value).toFixed(2)} × `, element('q', {}, wordOf(pieces[t] ?? ''))]
    }), ` + ${count(n - parts.length)} more. `,
    from === to ? `Token ${count(from + 1)} has` : `Tokens ${count(from + 1)} to ${count(to + 1)} have`, ` ${Math.round((100 * inside) / all)} % of its weight, squared.`)
    const first = Math.max(0, from - CONTEXT)
    words.show(pieces.slice(first, to + CONTEXT + 1), first)
    words.tint((i) => Math.abs(weight(first + i)) / most)
  }

  onceInView(root, { rootMargin: '300px' }, () => {
    seen = true
    void update()
  })
  return {
    /** @param {{ file: string | Uint8Array<ArrayBuffer>, config: Config }} next the model at hand: its address, or itself */
    useModel(next) {
      if (model?.file === next.file) return
      model = next
      void update()
    },
    /** The document has been read; perhaps it is another one. */
    async documentRead() {
      if ((await text()).text !== asked) void update()
    }
  }
}
