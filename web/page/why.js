/** Why: the sum behind the result, the passages that weigh most in it, and, when asked, those whose removal changes it most. */
import { element, find } from '../common/dom.js'
import { count, logit, part, percent, plural } from '../common/format.js'

/**
 * @typedef {import('./passages.js').Account} Account
 * @typedef {import('./passages.js').Clause} Clause
 * @typedef {import('../wasm/index.js').Passage} Passage
 *
 * @typedef {object} Shown
 * @property {Account} exact
 * @property {Account} account the numbers that the document is coloured by: the same, or against the average
 * @property {readonly string[]} labels
 * @property {string} result the label that the document was given
 * @property {number} score its probability
 * @property {'one' | 'many'} kind
 * @property {readonly Clause[]} clauses labels that were found, where many may hold
 *
 * @typedef {object} Listener
 * @property {(label: number, relative: boolean) => void} onChange another label or other colours are wanted
 * @property {(passage: number) => void} onPassage a passage is to be shown in the document
 * @property {(label: string) => void} onClause a label that was found is to be shown there, with its reasons
 * @property {() => void} onRemoval the document is to be read without each of the strongest passages
 */

const SHOWN = 5 // passages in each list
const CLAUSES = 8 // of those that were found; the rest are a click away
const CLIPPED = 170 // characters of a passage there

/** @param {HTMLElement} section the chapter @param {Listener} listener */
export function createWhy(section, { onChange, onPassage, onClause, onRemoval }) {
  const body = find(section, '#why-body', HTMLElement)
  const removals = element('div', { class: 'removals' })
  const removal = element('p', { class: 'soft note', role: 'status' })

  /** @param {Shown} shown */
  function show({ exact, account, labels, result, kind, clauses }) {
    const { label, numbers, passages, relative } = account
    const order = [...numbers.keys()].sort((a, b) => numbers[b] - numbers[a])
    const pros = order.filter((i) => numbers[i] > 0)
    const cons = order.filter((i) => numbers[i] < 0).reverse()
    const rest = labels.length === 2 ? `“${labels.find((each) => each !== label)}”` : 'the other labels, on average'

    const picker = element('select', { id: 'explained' },
      ...labels.map((each, i) => element('option', { value: String(i), ...(each === label ? { selected: '' } : {}) }, each)))
    picker.addEventListener('change', () => onChange(Number(picker.value), relative))
    const colours = element('select', { id: 'colours' },
      element('option', { value: 'relative', ...(relative ? { selected: '' } : {}) }, 'against the average'),
      element('option', { value: '', ...(relative ? {} : { selected: '' }) }, 'what they add'))
    colours.addEventListener('change', () => onChange(labels.indexOf(label), colours.value !== ''))
    const head = element('div', { class: 'why-head' },
      element('label', { class: 'picker' }, element('span', {}, 'For and against'), ' ', picker),
      element('label', { class: 'picker' }, element('span', {}, 'Passages by'), ' ', colours))

    const intro = element('p', { class: 'soft' }, kind === 'many'
      ? `The logit of “${label}”, and what it is made of. The last line is the sum of the others.`
      : `How far “${label}” is ahead of ${rest}, in logits, and what that is made of. The last line is the sum of the others.`)
    const [exactPros, exactCons] = [1, -1].map((side) => exact.numbers.reduce((many, number) => many + (number * side > 0 ? 1 : 0), 0))
    const note = element('p', { class: 'soft' }, 'Below and in the document: how much more or less each passage adds than its length’s share of the whole.')
    const [pro, con] = relative ? ['More than its share', 'Less than its share'] : [`Most for “${label}”`, `Most against “${label}”`]
    const wanted = element('button', { type: 'button', id: 'removal' }, 'Which passages matter most?')
    wanted.addEventListener('click', onRemoval)
    removal.textContent = ''
    removals.replaceChildren(element('h3', {}, 'What changes without a passage'),
      element('p', { class: 'soft' }, `The sum above says what each passage adds, not what would change without it: passages influence each other. \
To know that, the document is read again, once without each of the strongest passages.`), wanted, removal)
    body.replaceChildren(...(clauses.length > 0 ? [clauseList(clauses, passages)] : []), head, intro, sum(exact, exactPros, exactCons, kind), ...(relative ? [note] : []),
      element('div', { class: 'columns' },
        strongest('for', pro, pros, passages, (i) => part(numbers[i])),
        strongest('against', con, cons, passages, (i) => part(numbers[i]))), removals)
    if (kind === 'one' && label !== result) removals.hidden = true
    else removals.hidden = false
  }

  /**
   * What changes when passages are taken out, the largest changes first.
   *
   * @param {Passage[]} passages in the order of the text
   * @param {Shown} shown
   */
  function showRemoval(passages, { result, score, labels, kind }) {
    const label = labels.indexOf(result)
    const effects = passages.map(({ removal }) => (removal === undefined ? 0 : kind === 'many' ? removal.effects[label] : score - removal.score))
    const tried = [...passages.keys()].filter((i) => passages[i].removal !== undefined)
    const order = tried.sort((a, b) => Math.abs(effects[b]) - Math.abs(effects[a]))
    const changed = order.filter((i) => kind === 'one' && passages[i].removal?.label !== result)
    const words = kind === 'many'
      ? `The ${count(tried.length)} passages that add most to “${result}” were taken out, one at a time.`
      : `The ${count(tried.length)} passages that add most to “${result}” (${percent(score)}) were taken out, one at a time. ${changed.length === 0 ? 'The label stayed the same each time.' : `Without ${plural(changed.length, 'of them', 'of them')} the label changes.`}`
    const title = element('h3', { tabindex: '-1' }, 'What changes without a passage')
    const focused = removals.contains(document.activeElement)
    removals.replaceChildren(title, element('p', { class: 'soft' }, words),
      strongest('', kind === 'many' ? 'Change of the logit' : 'Without it', order, passages, (i) => {
        const { removal } = passages[i]
        if (removal === undefined) return ''
        return kind === 'many' ? logit(-effects[i]) : removal.label === result ? percent(removal.score) : removal.label
      }))
    removals.hidden = false
    if (focused) title.focus({ preventScroll: true }) // the button is gone
  }

  /** How far the reading without passages is, in words. @param {string} words */
  const sayRemoval = (words) => { removal.textContent = words }

  /** @param {string} [words] said in place of an explanation */
  function hide(words = 'Classify a document to see which passages spoke for its label, and which against.') {
    body.replaceChildren(element('p', { class: 'soft' }, words))
  }

  /** @param {readonly Clause[]} clauses @param {readonly Passage[]} passages */
  function clauseList(clauses, passages) {
    const listed = (/** @type {readonly Clause[]} */ some) => element('ul', { class: 'clauses' }, ...some.map(({ label, score, passage }) => {
      const button = element('button', { type: 'button' },
        element('span', { class: 'clause-head' }, element('strong', {}, label), element('span', { class: 'number' }, percent(score))), element('span', {}, clipped(passages[passage]?.text ?? '')))
      button.addEventListener('click', () => onClause(label))
      return element('li', {}, button)
    }))
    const rest = clauses.slice(CLAUSES)
    return element('div', { class: 'clause-list' }, element('h3', {}, 'What was found, and the sentence that says it most'), listed(clauses.slice(0, CLAUSES)),
      ...(rest.length === 0 ? [] : [element('details', {}, element('summary', {}, `${count(rest.length)} more found`), listed(rest))]))
  }

  /**
   * @param {string} side
   * @param {string} heading
   * @param {number[]} order passages, the strongest first
   * @param {readonly Passage[]} passages
   * @param {(passage: number) => string} tell
   */
  function strongest(side, heading, order, passages, tell) {
    const list = element('ol', { class: 'strongest' })
    for (const passage of order.slice(0, SHOWN)) {
      const button = element('button', { type: 'button' }, element('span', { class: 'number' }, tell(passage)), element('span', {}, clipped(passages[passage].text)))
      button.addEventListener('click', () => onPassage(passage))
      list.append(element('li', {}, button))
    }
    const found = order.length > 0 ? list : element('p', { class: 'soft' }, 'None.')
    return element('div', { class: side }, element('h3', {}, heading, element('span', { class: 'soft' }, ` ${count(order.length)}`)), found)
  }

  return { show, showRemoval, sayRemoval, hide }
}

/** @param {string} text */
function clipped(text) {
  const line = text.trim().replace(/\s+/g, ' ')
  return line.length > CLIPPED ? `${line.slice(0, CLIPPED).replace(/\s\S*$/, '')} …` : line
}

/**
 * The sum, term by term, each bar from where the one before it ended.
 *
 * @param {Account} account
 * @param {number} pros
 * @param {number} cons
 * @param {'one' | 'many'} kind
 */
function sum({ label, pro, con, constant, lead }, pros, cons, kind) {
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
    line(kind === 'many' ? `logit of “${label}”` : `lead of “${label}”`, 'total', 0, lead, lead))
}
