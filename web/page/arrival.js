/**
 * The page's HTML holds the beginning of the contract that a first visit is shown, so that it is there with the first paint. An
 * address that asks for something else must not flash it: this runs before the page is drawn, and is no module for that reason.
 */
{
  const { search, hash } = location
  const sample = new URLSearchParams(search).get('sample')
  if (hash.startsWith('#text=') || (search !== '' && sample !== 'contract')) document.documentElement.classList.add('asked-for-other')
}
