/**
 * Text from marked-up documents: what a reader would see, in lines and paragraphs. It is told of elements as they open and
 * close, by whichever parser reads the document.
 */

const words = (/** @type {string} */ list) => new Set(list.split(' '))

/** Elements that a reader does not see, or sees as controls or pictures rather than as text. */
const HIDDEN = words('annotation annotation-xml area audio base canvas datalist embed frameset head iframe link meta nav noembed noframes noscript object ' +
  'param rp script select source style svg template textarea title track video')

/** Elements that are set apart by an empty line, and those that begin a line. */
const PARAGRAPHS = words('address article aside blockquote body center details dialog dir div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 ' +
  'header hgroup hr legend listing main menu ol optgroup p plaintext pre search section summary table ul xmp')
const LINES = words('br caption dd dt li tr')
const CELLS = words('td th')
const AS_WRITTEN = words('listing plaintext pre xmp')

/** @param {Map<string, string> | Record<string, string>} attributes @param {string} name */
const get = (attributes, name) => attributes instanceof Map ? attributes.get(name) : attributes[name]

/** @param {string} name @param {Map<string, string> | Record<string, string>} attributes */
function isHidden(name, attributes) {
  if (HIDDEN.has(name) || get(attributes, 'hidden') !== undefined) return true
  if (name === 'dialog' && get(attributes, 'open') === undefined) return true
  return /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b/i.test(get(attributes, 'style') ?? '')
}

export class Layout {
  /** @type {string[]} */
  #parts = []
  /** Open elements inside a hidden one, itself included. */
  #hidden = 0
  /** Open elements inside one whose line breaks count, itself included. */
  #asWritten = 0

  /** @param {string} name in lower case @param {Map<string, string> | Record<string, string>} attributes */
  open(name, attributes) {
    if (this.#hidden > 0 || isHidden(name, attributes)) {
      this.#hidden++
      return
    }
    if (this.#asWritten > 0 || AS_WRITTEN.has(name)) this.#asWritten++
    this.#separate(name)
  }

  /** @param {string} name */
  close(name) {
    if (this.#hidden > 0) {
      this.#hidden--
      return
    }
    if (this.#asWritten > 0) this.#asWritten--
    if (!LINES.has(name)) this.#separate(name)
  }

  /** @param {string} text */
  text(text) {
    if (this.#hidden === 0) this.#parts.push(this.#asWritten > 0 ? text : text.replace(/[ \t\n\r\f]+/g, ' '))
  }

  /** @param {string} name */
  #separate(name) {
    if (PARAGRAPHS.has(name)) this.#parts.push('\n\n')
    else if (LINES.has(name)) this.#parts.push('\n')
    else if (CELLS.has(name)) this.#parts.push(' ')
  }

  /** @returns {string} */
  result() {
    return tidy(this.#parts.join(''))
  }
}

/**
 * One space between words, no more than an empty line between paragraphs, and nothing that is not seen: soft hyphens.
 *
 * @param {string} text
 */
export const tidy = (text) => text.replace(/\r\n?/g, '\n').replace(/\u00ad/g, '').replace(/[^\S\n]+/g, ' ').replace(/ ?\n ?/g, '\n').replace(/\n{3,}/g, '\n\n').trim()
