/** XML, by saxes: as events, without a tree, entities of its own or anything that is fetched. */
import { SaxesParser } from 'saxes'
import { decode } from './encoding.js'
import { tooLarge, unreadable } from './errors.js'

const MOST_DEPTH = 10_000
const STRIDE = 65_536

/**
 * @typedef {{ local: string, uri: string, attributes: Map<string, string> }} Tag with the local names of its attributes
 * @typedef {{ open?: (tag: Tag) => void, close?: (tag: { local: string, uri: string }) => void, text?: (text: string) => void }} Listener
 */

/** @param {Uint8Array} bytes @returns {string} */
export function xmlText(bytes) {
  const declared = /^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w-]+)/.exec(new TextDecoder().decode(bytes.subarray(0, 256)))?.[1]
  return decode(bytes, { declared }).text
}

/**
 * @param {string} xml
 * @param {Listener} listener
 * @param {(name: string) => string | undefined} [entity] by name
 * @throws {LinformerError} DOCUMENT if it is not well-formed
 */
export function parseXml(xml, { open, close, text }, entity = () => undefined) {
  const parser = new SaxesParser({ xmlns: true })
  const { amp, lt, gt, quot, apos } = parser.ENTITIES
  const known = new Map(Object.entries({ amp, lt, gt, quot, apos }))
  parser.ENTITIES = new Proxy({}, { get: (_, name) => known.get(String(name)) ?? entity(String(name)) })
  let depth = 0
  parser.on('error', (error) => { throw unreadable('damaged', `its XML is damaged (${error.message})`, {}, error) })
  parser.on('opentag', ({ local, uri, attributes }) => {
    if (++depth > MOST_DEPTH) throw tooLarge('its XML is nested deeper than', MOST_DEPTH, MOST_DEPTH, 'elements')
    open?.({ local, uri, attributes: new Map(Object.values(attributes).map((each) => [each.local, each.value])) })
  })
  parser.on('closetag', ({ local, uri }) => {
    depth--
    close?.({ local, uri })
  })
  if (text !== undefined) {
    parser.on('text', text)
    parser.on('cdata', text)
  }
  for (let at = 0; at < xml.length; at += STRIDE) parser.write(xml.slice(at, at + STRIDE))
  parser.close()
}
