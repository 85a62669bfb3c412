/** Files that the page makes: they go where the browser puts downloads. */
import { element } from './dom.js'

const KEPT_MS = 60_000 // a slow disk may still be reading

/** @param {Blob} blob @param {string} name of the file */
export function save(blob, name) {
  const link = element('a', { href: URL.createObjectURL(blob), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS)
}
