/**
 * Importing it defines the element `<long-document-classifier>`, which classifies a text in a worker and shows the result.
 *
 *     <long-document-classifier model="/sentiment.safetensors" top-k="3" explain name="mood">
 *       <textarea>An excellent film.</textarea>
 *     </long-document-classifier>
 *
 * | attribute | |
 * |---|---|
 * | `model` | what `load` takes as a string: a URL, `hf:OWNER/NAME`, or, where the package's files are as they are, a shipped model's name |
 * | `value` | the text; without it that of the first textarea or text field in the element, or else of all that is in it |
 * | `top-k`, `overflow`, `explain` | as in `classify`; `explain` shows the passages that contribute most, and may be `removal` |
 * | `cache`, `integrity`, `hub`, `threads` | as in `load` |
 * | `name`, `required`, `disabled` | as of any form field; the label is what the form submits |
 *
 * Events: `progress` (detail: a ProgressEvent), `result` (detail: the Result; bubbles), `error` (an ErrorEvent).
 *
 * Parts: `result`, `status`, `progress`, `scores`, `score`, `label`, `meter`, `number`, `passages`, `passage` (also `for` or
 * `against`), `error`. States for CSS: `:state(idle)`, `loading`, `reading`, `done`, `failed`.
 *
 * Elements with the same model and options share one worker. A page's policy needs nothing but what the library needs.
 *
 * @module linformer-wasm/element
 */
import type { Doubt, LoadOptions, ProgressEvent, Result, Source } from './index.js'

/** 'idle' where there is no text, or no model. */
export type State = 'idle' | 'loading' | 'reading' | 'done' | 'failed'

export class LongDocumentClassifier extends HTMLElement {
  static formAssociated: boolean
  /** What is said to people; replace them for other languages. */
  static messages: {
    loading: string
    reading: string
    required: string
    unlabelled: string
    result: (result: Result, percent: string) => string
    /** What follows where the label may mean little. */
    doubts: Record<Doubt, string>
  }
  /** Strings and URLs are the attribute; also a Blob or bytes. */
  get model(): Source | undefined
  set model(model: Source | null | undefined)
  /** The text that is classified. Setting it takes precedence over the attribute and the slot, until it is set to undefined. */
  get value(): string
  set value(value: string | null | undefined)
  /** More options of `load`; they take precedence over attributes. */
  get options(): LoadOptions
  set options(options: LoadOptions | null | undefined)
  readonly state: State
  readonly result: Result | undefined
  /** What went wrong, mostly a LinformerError. */
  readonly error: unknown
  name: string
  required: boolean
  disabled: boolean
  readonly form: HTMLFormElement | null
  readonly labels: NodeList
  readonly validity: ValidityState
  readonly validationMessage: string
  readonly willValidate: boolean
  checkValidity(): boolean
  reportValidity(): boolean
  /** Classifies the text now, also one that has failed before. It never rejects: see `error`. */
  classify(): Promise<Result | undefined>
}

/** Defines the element, if it is not defined: importing this has done so already. */
export function define(): void

export interface LongDocumentClassifierEventMap {
  progress: CustomEvent<ProgressEvent>
  result: CustomEvent<Result>
  error: ErrorEvent
}

declare global {
  interface HTMLElementTagNameMap {
    'long-document-classifier': LongDocumentClassifier
  }
}
