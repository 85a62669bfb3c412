/** Errors in words: what happened, with the library's own figures, and what to do next. */
import { element } from '../common/dom.js'
import { LinformerError } from '../wasm/worker.js'

const OTHER_MODEL = 'Choose another model, or press Classify to fetch it again.'

/** What happened and what to do, by the error's code. @type {Partial<Record<string, [string, string]>>} */
const WORDS = {
  SOURCE_FAILED: ['The model could not be fetched.', 'Check that the server is running and has the file, then press Classify to try again.'],
  MODEL_TRUNCATED: ['The model came only in part.', 'Press Classify to fetch it again.'],
  MODEL_FORMAT: ['What came is not a model file.', OTHER_MODEL],
  MODEL_CONFIG: ['This page cannot run that model.', OTHER_MODEL],
  MODEL_TENSOR: ['This page cannot run that model.', OTHER_MODEL],
  UNSUPPORTED: ['This browser lacks something that the engine needs.', 'Use a current browser with WebAssembly SIMD: any of 2023 or later.'],
  OUT_OF_MEMORY: ['The browser has no memory left for the model.', 'Close some tabs, then press Classify to try again.'],
  BUDGET_TOO_SMALL: ['The model does not fit the budget.', 'Choose a larger budget.'],
  EMPTY_TEXT: ['There is no text to classify.', 'Type or paste some, open a file, or take one of the samples.'],
  NOT_FINITE: ['The model computed something that is not a number.', OTHER_MODEL],
  WORKER_FAILED: ['The worker that runs the model stopped.', 'Press Classify to start it again.'],
  ENGINE: ['The engine stopped.', 'Press Classify to load it again.']
}

/** @param {unknown} error @returns {{ what: string, detail: string, next: string }} */
export function inWords(error) {
  const code = error instanceof LinformerError ? error.code : ''
  const [what, next] = WORDS[code] ?? ['Something went wrong.', 'Reload the page and try again.']
  return { what, detail: code === 'EMPTY_TEXT' ? '' : sentence(error instanceof Error ? error.message : String(error)), next }
}

/** @param {HTMLElement} box */
export function createErrors(box) {
  return {
    /** @param {unknown} error */
    show(error) {
      const { what, detail, next } = inWords(error)
      box.replaceChildren(element('p', {}, element('strong', {}, what), ` ${detail}`), element('p', {}, next))
      box.hidden = false
    },

    /** @param {string} problem that is already in words */
    problem(problem) {
      box.replaceChildren(element('p', {}, problem))
      box.hidden = false
    },

    hide() {
      box.hidden = true
      box.replaceChildren()
    }
  }
}

/**
 * The library's messages start small and end without a stop; one that starts with an address keeps it as it is.
 * @param {string} text
 */
export function sentence(text) {
  const start = /^\w+:\/\//.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(start) ? start : `${start}.`
}
