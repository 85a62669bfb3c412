/**
 * What the element shows below its slot. Everything has a part, so that pages can style it; nothing is styled by an attribute
 * or an inline style sheet, so that strict policies allow it.
 */

/** @typedef {import('../index.js').Result} Result */

const STYLE = `
:host { display: block }
:host([hidden]), [hidden] { display: none }
[part=scores], [part=passages] { list-style: none; margin: 0; padding: 0 }
[part=score] { display: grid; grid-template-columns: minmax(6em, auto) 1fr auto; gap: .75em; align-items: center }
[part=meter], [part=progress] { width: 100% }
[part=number] { font-variant-numeric: tabular-nums }
[part=status], [part=error] { margin: 0 }
[part=passage] { margin-block: .5em }
`

/** @type {CSSStyleSheet | undefined} */
let sheet

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} part
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
function make(tag, part, attributes = {}, ...children) {
  const element = document.createElement(tag)
  element.setAttribute('part', part)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** @param {Element} host */
export function createView(host) {
  const root = host.attachShadow({ mode: 'open' })
  // Documents that tests make up (jsdom) have none.
  if (sheet === undefined && 'adoptedStyleSheets' in root) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
  }
  if (sheet) root.adoptedStyleSheets = [sheet]
  const status = make('p', 'status', { role: 'status' })
  const error = make('p', 'error', { role: 'alert' })
  const progress = make('progress', 'progress', { hidden: '' })
  const scores = make('ol', 'scores', { hidden: '' })
  const passages = make('ol', 'passages', { hidden: '' })
  const result = make('div', 'result', { tabindex: '-1' }, status, error, progress, scores, passages)
  root.append(document.createElement('slot'), result)
  const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })

  return {
    result,
    slot: /** @type {HTMLSlotElement} */ (root.firstChild),

    /** @param {string} words said aloud by screen readers; @param {number} [share] that is done, if that is known */
    busy(words, share) {
      // Said once, not with each step.
      if (status.textContent !== words) status.textContent = words
      error.textContent = ''
      progress.hidden = false
      progress.setAttribute('aria-label', words)
      if (share === undefined) progress.removeAttribute('value')
      else progress.value = share
    },

    /** @param {string} [failure] */
    clear(failure = '') {
      status.textContent = ''
      error.textContent = failure
      progress.hidden = scores.hidden = passages.hidden = true
      scores.replaceChildren()
      passages.replaceChildren()
    },

    /** @param {Result} found @param {number} most passages @param {string} words */
    show({ scores: all, explanation }, most, words) {
      error.textContent = ''
      progress.hidden = true
      status.textContent = words
      scores.replaceChildren(...all.map(({ label, score }) => make('li', 'score', {},
        make('span', 'label', {}, label),
        make('meter', 'meter', { min: '0', max: '1', value: String(score), 'aria-label': label }),
        make('span', 'number', {}, percent.format(score)))))
      scores.hidden = false
      const told = explanation?.passages.slice(0, most) ?? []
      passages.replaceChildren(...told.map(({ text, contribution }) => make('li', `passage ${contribution < 0 ? 'against' : 'for'}`, {}, text)))
      passages.hidden = told.length === 0
    },

    /** @param {number} score */
    percent: (score) => percent.format(score)
  }
}
