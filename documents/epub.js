/** The text of EPUB books: the chapters in the order in which they are read. */
import { unreadable } from './errors.js'
import { readXhtml } from './html.js'
import { counted } from './notes.js'
import { parseXml, xmlText } from './xml.js'

/**
 * @param {import('./zip.js').Archive} archive
 * @returns {{ text: string, notes: string[], format: string }}
 */
export function readEpub(archive) {
  const opf = packagePath(archive)
  const description = archive.read(opf)
  if (description === undefined) throw unreadable('damaged', `the book has no ${opf}`)
  /** @type {Map<string, { href: string, isContents: boolean }>} */
  const items = new Map()
  /** @type {{ id: string, isLinear: boolean }[]} */
  const spine = []
  parseXml(xmlText(description), {
    open({ local, attributes }) {
      const get = (/** @type {string} */ name) => attributes.get(name) ?? ''
      if (local === 'item') items.set(get('id'), { href: get('href'), isContents: /\bnav\b/.test(get('properties')) })
      if (local === 'itemref') spine.push({ id: get('idref'), isLinear: get('linear') !== 'no' })
    }
  })
  const locked = lockedFiles(archive)
  const chapters = []
  let missing = 0
  for (const { id, isLinear } of spine) {
    const item = items.get(id)
    if (!isLinear || item?.isContents) continue
    const path = item === undefined ? '' : resolvePath(opf, item.href)
    if (locked.has(path)) throw unreadable('locked', 'the book is locked (DRM)')
    const chapter = archive.read(path)
    if (chapter === undefined) missing++
    else chapters.push(readXhtml(chapter, {}).text)
  }
  const notes = missing === 0 ? [] : [`${counted(missing, 'chapter')} ${missing === 1 ? 'is' : 'are'} missing`]
  return { text: chapters.filter((chapter) => chapter !== '').join('\n\n'), notes, format: 'epub' }
}

/** @param {import('./zip.js').Archive} archive */
function packagePath(archive) {
  const container = archive.read('META-INF/container.xml')
  let path = ''
  if (container !== undefined) {
    parseXml(xmlText(container), { open({ local, attributes }) { if (local === 'rootfile' && path === '') path = attributes.get('full-path') ?? '' } })
  }
  if (path === '') throw unreadable('damaged', 'the book does not say where its chapters are')
  return path
}

/** Files that are encrypted; fonts often are. @param {import('./zip.js').Archive} archive */
function lockedFiles(archive) {
  /** @type {Set<string>} */
  const locked = new Set()
  const encryption = archive.read('META-INF/encryption.xml')
  if (encryption !== undefined) {
    parseXml(xmlText(encryption), { open({ local, attributes }) { if (local === 'CipherReference') locked.add(resolvePath('', attributes.get('URI') ?? '')) } })
  }
  return locked
}

/** @param {string} base @param {string} href @returns {string} a path in the archive */
function resolvePath(base, href) {
  try {
    return decodeURIComponent(new URL(href, `file:///${base}`).pathname.slice(1))
  } catch {
    return ''
  }
}
