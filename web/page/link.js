/**
 * The page's address says which model and which sample are on it. A text is in it only if the visitor asks for that, and then in the
 * fragment, which browsers do not send to the server.
 */

/** Most bytes of a text in a link. */
export const LONGEST_SHARED = 8192
const TEXT = /^#text=([\w-]+)$/

/**
 * @param {string} name model or sample
 * @returns {string | null}
 */
export const fromLink = (name) => new URLSearchParams(location.search).get(name)

/** @param {{ model: string, sample: string | undefined }} state */
export function setLink({ model, sample }) {
  history.replaceState(null, '', linkTo({ model, sample }))
}

/** @param {{ model: string, sample: string | undefined }} state @returns {string} */
export function linkTo({ model, sample }) {
  const url = new URL(location.href)
  url.hash = ''
  url.searchParams.set('model', model)
  if (sample === undefined) url.searchParams.delete('sample')
  else url.searchParams.set('sample', sample)
  return url.href
}

/** @param {string} text */
export const canBeShared = (text) => text.length <= LONGEST_SHARED && new TextEncoder().encode(text).length <= LONGEST_SHARED

/** @param {{ model: string, text: string }} state @returns {Promise<string>} */
export async function linkWithText({ model, text }) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer())
  const base64 = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  return `${linkTo({ model, sample: undefined })}#text=${base64}`
}

/** Whether the page's address has a text. */
export const hasText = () => TEXT.test(location.hash)

/** @returns {Promise<string | undefined>} undefined if there is none, or none that can be read */
export async function textFromLink() {
  const [, base64] = TEXT.exec(location.hash) ?? []
  if (base64 === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(base64.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
    const parts = []
    let size = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      size += value.length
      if (size > LONGEST_SHARED) return undefined // not from this page
      parts.push(value)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await new Blob(parts).arrayBuffer())
  } catch {
    return undefined
  }
}
