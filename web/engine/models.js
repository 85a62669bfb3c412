/**
 * The models that the page offers: to add one, put its file and card into models/ and a line here.
 *
 * @typedef {object} Model
 * @property {string} id in links
 * @property {string} title in the list
 * @property {string} about what it decides, in a sentence
 * @property {string} file address, relative to the page
 * @property {string} card address of the model card
 */

/** The first one is loaded with the page. @type {Model[]} */
export const MODELS = [
  {
    id: 'imdb',
    title: 'Film reviews',
    about: 'Is this review for or against the film?',
    file: './models/imdb.safetensors',
    card: './models/imdb.md'
  },
  {
    id: 'scotus',
    title: 'Supreme Court cases',
    about: 'Which area of law is this case about?',
    file: './models/scotus.safetensors',
    card: './models/scotus.md'
  }
]

/** The model whose attention is drawn: a standard Transformer, n × n. */
export const FULL_ATTENTION = {
  file: './data/full-attention.safetensors',
  card: './data/full-attention.md'
}
