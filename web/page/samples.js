/**
 * The texts that the page brings along, in samples/.
 *
 * @typedef {object} Sample
 * @property {string} id in links, and of its button in the page
 * @property {string} file address, relative to the page
 * @property {string} model that it is for
 * @property {string} source where it is from
 */

/** @type {Sample[]} */
export const SAMPLES = [
  {
    id: 'review',
    file: './samples/review.txt',
    model: 'sentiment',
    source: 'The reviews were written for this page, about films that do not exist.'
  },
  {
    id: 'contract',
    file: './samples/contract.txt',
    model: 'contracts',
    source: 'The contract, 10,700 words, is the Charter Affiliation Agreement of The Tube Music Network with Tribune Broadcasting, 2006, as \
CUAD v1 has it (The Atticus Project, CC BY 4.0): one of those that the model was tested with, and had never seen.'
  },
  {
    id: 'chapter',
    file: './samples/chapter.txt',
    model: 'subjects',
    source: 'The chapter, 11,900 words, is Between the Stars: Gas and Dust in Space, from Astronomy 2e by OpenStax, Rice University (CC BY 4.0; \
access for free at openstax.org), without its figures and exercises: the model had never seen it either.'
  },
  {
    id: 'note',
    file: './samples/note.txt',
    model: 'sentiment',
    source: ''
  },
  {
    id: 'turn',
    file: './samples/turn.txt',
    model: 'sentiment',
    source: ''
  },
  {
    id: 'denial',
    file: './samples/denial.txt',
    model: 'sentiment',
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
