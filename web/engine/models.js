/**
 * The models that the page offers: to add one, put its file and card into models/ and a line here.
 *
 * A task is a question that is asked of a document, and what answers it: a model with a trunk of its own, which is loaded when the
 * task is chosen, or a head on a trunk that several share. All heads on one trunk answer from one reading.
 *
 * @typedef {object} Task
 * @property {string} id in links
 * @property {string} title in the list
 * @property {string} about what it decides, in a sentence
 * @property {string | Uint8Array<ArrayBuffer>} file address, relative to the page, or the file itself
 * @property {string} [trunk] which of TRUNKS it is a head on; without one the file is a model with its own
 * @property {string} [card] address of the model card
 * @property {string} [sample] what is on the page when it is opened
 */

/** Trunks that several tasks share. How many bytes one has is said here too: of a file that comes compressed, nothing else tells. */
export const TRUNKS = {
  general: { file: './models/general.safetensors', card: './models/general.md', bytes: 6_765_224 }
}

/** The trunk that labels of your own are taught on. */
export const TAUGHT_TRUNK = 'general'

/** The first one is loaded with the page. @type {readonly Task[]} */
export const MODELS = [
  {
    id: 'contracts',
    title: 'Contracts',
    about: 'Which clauses does this contract hold, and where?',
    trunk: 'general',
    file: './models/contracts.safetensors',
    card: './models/contracts.md',
    sample: 'contract'
  },
  {
    id: 'subjects',
    title: 'Subjects',
    about: 'Which of 21 subjects is this text about?',
    trunk: 'general',
    file: './models/subjects.safetensors',
    card: './models/subjects.md',
    sample: 'chapter'
  },
  {
    id: 'sentiment',
    title: 'Sentiment',
    about: 'Is this for or against the film?',
    file: './models/sentiment.safetensors',
    card: './models/sentiment.md',
    sample: 'review'
  }
]

/** Ids that tasks had before, in links that people have kept. */
const RENAMED = new Map([['imdb', 'sentiment']])

/** The id that a link means. @param {string} id */
export const currentId = (id) => RENAMED.get(id) ?? id

/** The file with the trunk that answers a task: an address, or the file itself. @param {Task} task */
export const trunkOf = ({ file, trunk }) => (trunk === undefined ? file : TRUNKS[/** @type {keyof typeof TRUNKS} */ (trunk)].file)

/** The model whose attention is drawn: a standard Transformer, n × n. */
export const FULL_ATTENTION = {
  file: './data/full-attention.safetensors',
  card: './data/full-attention.md'
}

/** The model of drawn digits, for the chapter on images. */
export const DIGITS = {
  file: './models/digits.safetensors',
  card: './models/digits.md'
}
