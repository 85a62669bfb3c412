/** The page's address says which model and which sample are on it, never a text. */

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
  url.searchParams.set('model', model)
  if (sample === undefined) url.searchParams.delete('sample')
  else url.searchParams.set('sample', sample)
  return url.href
}
