/**
 * The texts that the page brings along, in samples/.
 *
 * @typedef {object} Sample
 * @property {string} id in links
 * @property {string} title on its button
 * @property {string} file address, relative to the page
 * @property {string} model that it is for
 * @property {string} source where it is from
 */

/** @type {Sample[]} */
export const SAMPLES = [
  {
    id: 'review',
    title: 'a long review',
    file: './samples/review.txt',
    model: 'imdb',
    source: 'The reviews were written for this page, about films that do not exist.'
  },
  {
    id: 'opinion',
    title: 'a court opinion',
    file: './samples/opinion.txt',
    model: 'scotus',
    source: 'The court opinion, 10,000 words, is Democracy North Carolina v. North Carolina State Board of Elections, 590 F. Supp. 3d 850 \
(M.D.N.C. 2022): a work of the United States government, in the public domain; page numbers of the reporter are left out.'
  },
  {
    id: 'note',
    title: 'a short note',
    file: './samples/note.txt',
    model: 'imdb',
    source: ''
  }
]

/** @type {Map<string, Promise<string>>} */
const texts = new Map()

/** The sample's text; fetched once. @param {Sample} sample @returns {Promise<string>} */
export function sampleText({ id, file }) {
  const known = texts.get(id)
  if (known !== undefined) return known
  const text = fetch(new URL(file, document.baseURI)).then((response) => {
    if (!response.ok) throw new Error(`the sample could not be fetched: the server answered ${response.status}`)
    return response.text()
  })
  texts.set(id, text)
  text.catch(() => texts.delete(id))
  return text
}
