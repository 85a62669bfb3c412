/**
 * The text of HTML, by parse5, which reads markup as browsers do. Nothing in it is run or fetched.
 *
 * The page uses it too, rather than the browser's DOMParser: that one is not there in workers, where a hostile document
 * holds nobody up, and reports every style attribute to a strict content security policy. A test holds the two together.
 */
import { decodeHTMLStrict } from 'entities/decode'
import { defaultTreeAdapter, Parser } from 'parse5'
import { LinformerError } from '../wasm/common/errors.js'
import { decode, encodingName } from './encoding.js'
import { tooLarge } from './errors.js'
import { Layout } from './layout.js'
import { badCharacters } from './notes.js'
import { parseXml } from './xml.js'

/** @typedef {import('parse5').DefaultTreeAdapterTypes.ChildNode} ChildNode */
/** @typedef {import('parse5').DefaultTreeAdapterTypes.Element} Element */

const MOST_ELEMENTS = 1_000_000
const MOST_ATTRIBUTES = 10_000 // of an element
/** Tags, times the elements that are open there: some errors in markup cost a look at every open element. */
const MOST_STEPS = 100_000_000
/** What a character reference costs, beside a tag. */
const REFERENCE_STEPS = 50
/** Characters after which the limits are looked at. */
const STRIDE = 4096

/** How far into a document it may say its encoding; browsers look on while its head is not at an end. */
const DECLARED_WITHIN = 1024
const LONGEST_HEAD = 65_536

/**
 * @param {Uint8Array} bytes
 * @returns {string | undefined} the encoding that the document itself declares
 */
function declaredEncoding(bytes) {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, LONGEST_HEAD)).replace(/<!--[^]*?-->|<(script|style)\b[^]*?<\/\1>/gi, '')
  const end = head.search(/<\/head\b|<body\b/i)
  const start = end < 0 ? head : head.slice(0, Math.max(DECLARED_WITHIN, end))
  const label = /<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([^\s"'>;/]+)/i.exec(start)?.[1] ?? /^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([^"']+)/i.exec(start)?.[1]
  if (label === undefined) return undefined
  // A document that can be read as far as this is not in UTF-16, whatever it says.
  const name = encodingName(label)
  return name?.startsWith('utf-16') ? 'utf-8' : name
}

/**
 * @param {Uint8Array} bytes
 * @param {{ encoding?: string, declared?: string }} options
 * @returns {{ text: string, notes: string[] }}
 */
export function readHtml(bytes, { encoding, declared }) {
  const { text, bad } = decode(bytes, { encoding, declared: declared ?? declaredEncoding(bytes), lenient: true })
  return { text: htmlText(text), notes: badCharacters(bad) }
}

/**
 * XHTML as the XML that it is, where an empty <title/> is empty; with an error in it, as HTML.
 *
 * @type {typeof readHtml}
 */
export function readXhtml(bytes, { encoding, declared }) {
  const { text, bad } = decode(bytes, { encoding, declared: declared ?? declaredEncoding(bytes), lenient: true })
  const layout = new Layout()
  try {
    parseXml(text, {
      open: ({ local, attributes }) => layout.open(local, attributes),
      close: ({ local }) => layout.close(local),
      text: (part) => layout.text(part)
    }, (name) => {
      const character = decodeHTMLStrict(`&${name};`)
      return character === `&${name};` ? undefined : character
    })
  } catch (error) {
    if (!(error instanceof LinformerError) || error.details.reason !== 'damaged') throw error
    return { text: htmlText(text), notes: badCharacters(bad) }
  }
  return { text: layout.result(), notes: badCharacters(bad) }
}

/**
 * @param {string} markup
 * @returns {string} paragraphs, with an empty line between them
 */
export function htmlText(markup) {
  const layout = new Layout()
  tell(parse(markup).childNodes, layout)
  return layout.result()
}

/** @param {string} markup @throws {LinformerError} DOCUMENT for a document that would take for ever */
function parse(markup) {
  let elements = 0
  let depth = 0
  let steps = 0
  const treeAdapter = {
    ...defaultTreeAdapter,
    /** @type {typeof defaultTreeAdapter.createElement} */
    createElement(name, namespace, attributes) {
      if (++elements > MOST_ELEMENTS) throw tooLarge('its HTML has more than', MOST_ELEMENTS, MOST_ELEMENTS, 'elements')
      return defaultTreeAdapter.createElement(name, namespace, attributes)
    },
    onItemPush() { depth++ },
    onItemPop() { depth-- }
  }
  // As in a browser that runs scripts, which is the one that readers have: what is in <noscript> is not shown.
  /** @type {Parser<import('parse5').DefaultTreeAdapterMap>} */
  const parser = new Parser({ scriptingEnabled: true, treeAdapter })
  for (let at = 0; at < markup.length || at === 0; at += STRIDE) {
    const part = markup.slice(at, at + STRIDE)
    parser.tokenizer.write(part, at + STRIDE >= markup.length)
    steps += depth * (part.split('<').length - 1) + REFERENCE_STEPS * (part.split('&').length - 1)
    if (steps > MOST_STEPS) throw tooLarge('its HTML (nesting, wrong ends, character references) takes more than', MOST_STEPS, MOST_STEPS, 'steps')
    const token = parser.tokenizer['currentToken'] // not public: the attributes of a tag that is not at its end yet
    const attributes = token !== null && 'attrs' in token ? token.attrs.length : 0
    if (attributes > MOST_ATTRIBUTES) throw tooLarge('an element of its HTML has', attributes, MOST_ATTRIBUTES, 'attributes')
  }
  return parser.document
}

/**
 * Walks through the tree without recursion: it may be deeper than the stack.
 *
 * @param {ChildNode[]} roots
 * @param {Layout} layout
 */
function tell(roots, layout) {
  /** @type {{ nodes: ChildNode[], next: number, name: string }[]} */
  const path = [{ nodes: roots, next: 0, name: '' }]
  while (path.length > 0) {
    const level = path[path.length - 1]
    const node = level.nodes[level.next++]
    if (node === undefined) {
      path.pop()
      if (level.name !== '') layout.close(level.name)
    } else if ('value' in node) {
      layout.text(node.value)
    } else if ('tagName' in node) {
      layout.open(node.tagName, new Map(node.attrs.map(({ name, value }) => [name, value])))
      path.push({ nodes: node.childNodes, next: 0, name: node.tagName })
    }
  }
}
