/** Why: the sum behind the verdict, and the passages that weigh most in it. */
import { element, find } from '../common/dom.js'
import { count, logit, part, plural } from '../common/format.js'

/** @typedef {import('./passages.js').Account} Account */

const SHOWN = 5 // passages in each list
const CLIPPED = 170 // characters of a passage there

const body = find(document, '#why-body', HTMLElement)

/**
 * @param {Account} exact
 * @param {Account} shown the numbers that the document is coloured by: the same, or against the average
 * @param {object} page
 * @param {readonly string[]} page.labels
 * @param {(label: number, relative: boolean) => void} page.onChange another label or other colours are wanted
 * @param {(passage: number) => void} page.onPassage a passage is to be shown in the document
 */
export function showWhy(exact, shown, { labels, onChange, onPassage }) {
  const { label, numbers, passages, relative } = shown
  const order = [...numbers.keys()].sort((a, b) => numbers[b] - numbers[a])
  const pros = order.filter((i) => numbers[i] >= 0)
  const cons = order.filter((i) => numbers[i] < 0).reverse()
  const rest = labels.length === 2 ? `“${labels.find((each) => each !== label)}”` : 'the other labels, on average'

  const picker = element('select', { id: 'explained' },
    ...labels.map((each, i) => element('option', { value: String(i), ...(each === label ? { selected: '' } : {}) }, each)))
  picker.addEventListener('change', () => onChange(Number(picker.value), relative))
  const colours = element('select', { id: 'colours' },
    element('option', { value: '' }, 'what they add'), element('option', { value: 'relative', ...(relative ? { selected: '' } : {}) }, 'against the average'))
  colours.addEventListener('change', () => onChange(labels.indexOf(label), colours.value !== ''))
  const head = element('div', { class: 'why-head' },
    element('label', { class: 'picker' }, element('span', {}, 'For and against'), ' ', picker),
    element('label', { class: 'picker' }, element('span', {}, 'Passages by'), ' ', colours))

  const intro = element('p', { class: 'soft' }, `How far “${label}” is ahead of ${rest}, in logits, and what that is made of. \
The last line is the sum of the others.`)
  const exactPros = exact.numbers.reduce((many, number) => many + (number < 0 ? 0 : 1), 0)
  const note = element('p', { class: 'soft' }, 'Below and in the document: how much more or less each passage adds than its length’s share of the whole.')
  const [pro, con] = relative ? ['More than its share', 'Less than its share'] : [`Most for “${label}”`, `Most against “${label}”`]
  body.replaceChildren(head, intro, sum(exact, exactPros, passages.length - exactPros), ...(relative ? [note] : []),
    element('div', { class: 'columns' },
      strongest('for', pro, pros, passages, numbers, onPassage),
      strongest('against', con, cons, passages, numbers, onPassage)))
}

/** @param {string} [words] said in place of an explanation */
export function hideWhy(words = 'Classify a document to see which passages spoke for its label, and which against.') {
  body.replaceChildren(element('p', { class: 'soft' }, words))
}

/**
 * The sum, term by term, each bar from where the one before it ended.
 *
 * @param {Account} account
 * @param {number} pros
 * @param {number} cons
 */
function sum({ label, pro, con, constant, lead }, pros, cons) {
  const ends = [0, pro, pro + con, pro + con + constant]
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  const place = (/** @type {number} */ value) => `${(100 * (value - low)) / Math.max(1e-9, high - low)}%`
  /** @param {string} name @param {string} side @param {number} from @param {number} to @param {number} number */
  const line = (name, side, from, to, number) => {
    const bar = element('i')
    bar.style.left = place(Math.min(from, to))
    bar.style.right = `calc(100% - ${place(Math.max(from, to))})`
    return element('li', { class: side }, element('span', {}, name),
      element('span', { class: 'track', 'aria-hidden': 'true' }, bar), element('span', { class: 'number' }, logit(number)))
  }
  return element('ul', { class: 'sum-lines' },
    line(`${plural(pros, 'passage')} for it`, 'for', ends[0], ends[1], pro),
    line(`${plural(cons, 'passage')} against it`, 'against', ends[1], ends[2], con),
    line('the model’s constant', 'constant', ends[2], ends[3], constant),
    line(`lead of “${label}”`, 'total', 0, lead, lead))
}

/**
 * @param {string} side
 * @param {string} heading
 * @param {number[]} order passages, the strongest first
 * @param {Account['passages']} passages
 * @param {Float64Array} numbers
 * @param {(passage: number) => void} onPassage
 */
function strongest(side, heading, order, passages, numbers, onPassage) {
  const list = element('ol', { class: 'strongest' })
  for (const passage of order.slice(0, SHOWN)) {
    const line = passages[passage].text.trim().replace(/\s+/g, ' ')
    const shown = line.length > CLIPPED ? `${line.slice(0, CLIPPED).replace(/\s\S*$/, '')} …` : line
    const button = element('button', { type: 'button' }, element('span', { class: 'number' }, part(numbers[passage])), element('span', {}, shown))
    button.addEventListener('click', () => onPassage(passage))
    list.append(element('li', {}, button))
  }
  const found = order.length > 0 ? list : element('p', { class: 'soft' }, 'None.')
  return element('div', { class: side }, element('h3', {}, heading, element('span', { class: 'soft' }, ` ${count(order.length)}`)), found)
}
