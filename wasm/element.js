/**
 * linformer-wasm/element: defines <long-document-classifier>. Documented in element.d.ts.
 */
import { acquire } from './element/shared.js'
import { createView } from './element/view.js'

/**
 * @typedef {import('./index.js').Result} Result
 * @typedef {import('./index.js').ProgressEvent} ProgressEvent
 * @typedef {import('./element.js').State} State
 */

/** Milliseconds without a keystroke after which a text is read. */
const TYPING_MS = 300
const MOST_PASSAGES = 3
const STATES = /** @type {const} */ (['idle', 'loading', 'reading', 'done', 'failed'])
/** Attributes that are options of load; numbers where a number is wanted. */
const LOAD_ATTRIBUTES = ['cache', 'hub', 'integrity', 'threads']
const CLASSIFY_ATTRIBUTES = ['explain', 'overflow', 'top-k']
/** Properties that a framework may have set before the element was defined. */
const PROPERTIES = /** @type {const} */ (['model', 'value', 'options', 'required', 'disabled', 'name'])

/** On a server there are no elements; importing this must do no harm there. @type {typeof HTMLElement} */
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (/** @type {unknown} */ (class {}))

export class LongDocumentClassifier extends Base {
  static formAssociated = true
  static observedAttributes = ['model', 'value', 'required', ...LOAD_ATTRIBUTES, ...CLASSIFY_ATTRIBUTES]
  /** What is said to people; replace them for other languages. */
  static messages = {
    loading: 'Loading the model',
    reading: 'Reading',
    required: 'There is no text to classify yet.',
    unlabelled: 'This model has no labels: teach it yours, and name the file that came of it.',
    result: (/** @type {Result} */ { label }, /** @type {string} */ percent) => `${label}, ${percent}`,
    doubts: {
      unlike: 'This text is unlike anything the model was trained on: its label means little.',
      'unknown-script': 'The model does not know this script: its label means little.',
      repetitive: 'This text has the same few words over and over: its label means little.',
      unusual: 'This text is unusual for the model.'
    }
  }

  /** Documents that tests make up (jsdom) have less of it, or none. @type {ElementInternals} */
  #internals = this.attachInternals?.() ?? {}
  #view = createView(this)
  /** @type {import('./index.js').Source | undefined} */
  #model
  /** @type {string | undefined} */
  #value
  #options = {}
  /** @type {State} */
  #state = 'idle'
  /** @type {Result | undefined} */
  #result
  /** @type {unknown} */
  #error
  #disabled = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  /** Ends the work on a text that is not wanted any more. @type {AbortController | undefined} */
  #work
  /** @type {ReturnType<typeof acquire> | undefined} */
  #shared
  #observer = new MutationObserver(() => this.#later(0))

  constructor() {
    super()
    this.#internals.role = 'group'
    this.#view.slot.addEventListener('slotchange', () => this.#later(0))
    for (const kind of ['input', 'change']) this.addEventListener(kind, () => this.#later(TYPING_MS))
    this.#validate()
  }

  connectedCallback() {
    for (const name of PROPERTIES) {
      if (!Object.hasOwn(this, name)) continue
      const value = this[name]
      delete this[name]
      Object.assign(this, { [name]: value })
    }
    this.#observer.observe(this, { childList: true, characterData: true, subtree: true })
    this.#later(0)
  }

  disconnectedCallback() {
    this.#observer.disconnect()
    clearTimeout(this.#timer)
    this.#work?.abort()
    this.#release()
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (before === after) return
    if (name === 'required') return this.#validate()
    if (name === 'model') this.#model = undefined
    if (name === 'model' || LOAD_ATTRIBUTES.includes(name)) this.#release()
    this.#later(0)
  }

  formResetCallback() {
    this.value = undefined
  }

  /** @param {boolean} disabled */
  formDisabledCallback(disabled) {
    this.#disabled = disabled
    this.#later(0)
  }

  get model() { return this.#model ?? this.getAttribute('model') ?? undefined }
  set model(model) {
    if (typeof model === 'string' || model instanceof URL) this.setAttribute('model', String(model))
    else {
      this.removeAttribute('model')
      this.#release()
      this.#model = model ?? undefined
      this.#later(0)
    }
  }

  get options() { return this.#options }
  set options(options) {
    this.#options = options ?? {}
    this.#release()
    this.#later(0)
  }

  get value() { return this.#value ?? this.getAttribute('value') ?? this.#slotted() }
  set value(/** @type {string | null | undefined} */ value) {
    this.#value = value == null ? undefined : String(value)
    this.#later(0)
  }

  get state() { return this.#state }
  get result() { return this.#result }
  get error() { return this.#error }

  get name() { return this.getAttribute('name') ?? '' }
  set name(name) { this.setAttribute('name', name) }
  get required() { return this.hasAttribute('required') }
  set required(required) { this.toggleAttribute('required', Boolean(required)) }
  get disabled() { return this.hasAttribute('disabled') }
  set disabled(disabled) { this.toggleAttribute('disabled', Boolean(disabled)) }
  get form() { return this.#internals.form }
  get labels() { return this.#internals.labels }
  get validity() { return this.#internals.validity }
  get validationMessage() { return this.#internals.validationMessage }
  get willValidate() { return this.#internals.willValidate }
  checkValidity() { return this.#internals.checkValidity() }
  reportValidity() { return this.#internals.reportValidity() }

  /** @returns {Promise<Result | undefined>} */
  async classify() {
    clearTimeout(this.#timer)
    this.#work?.abort()
    const text = this.value
    const { model } = this
    if (!this.isConnected || this.#disabled || model === undefined || text.trim() === '') return this.#settle('idle')
    const work = this.#work = new AbortController()
    const { signal } = work
    try {
      this.#enter('loading')
      this.#shared ??= acquire(model, this.#loadOptions(), (event) => this.#progress('loading', event))
      const classifier = await this.#shared.ready
      if (signal.aborted) return undefined
      if (classifier.labels.length === 0) throw new Error(LongDocumentClassifier.messages.unlabelled)
      this.#enter('reading')
      const result = await classifier.classify(text, { ...this.#classifyOptions(), signal, onProgress: (event) => this.#progress('reading', event) })
      return signal.aborted ? undefined : this.#settle('done', result)
    } catch (error) {
      if (!signal.aborted) this.#settle('failed', undefined, error)
      return undefined
    }
  }

  /** Once for all changes that come together. @param {number} ms */
  #later(ms) {
    clearTimeout(this.#timer)
    if (this.isConnected) this.#timer = setTimeout(() => { void this.classify() }, ms)
  }

  /** The text of the slot: of a field in it, or of all that is there. */
  #slotted() {
    const field = /** @type {HTMLTextAreaElement | HTMLInputElement | null} */ (this.querySelector('textarea, input:not([type]), input[type=text], input[type=search]'))
    if (field !== null) return field.value
    const { innerText = this.textContent } = this
    return (innerText ?? '').trim()
  }

  #loadOptions() {
    /** @type {Record<string, unknown>} */
    const options = {}
    for (const name of LOAD_ATTRIBUTES) {
      const value = this.getAttribute(name)
      if (value === null) continue
      if (name === 'threads') options.threads = Number(value)
      else options[name] = name === 'cache' ? value === '' || value === 'true' || (value !== 'false' && value) : value
    }
    return { ...options, ...this.#options }
  }

  #classifyOptions() {
    /** @type {import('./index.js').ClassifyOptions & { heads?: undefined }} */
    const options = {}
    const [explain, overflow, topK] = CLASSIFY_ATTRIBUTES.map((name) => this.getAttribute(name))
    if (explain !== null && explain !== 'false') options.explain = explain === 'removal' ? 'removal' : 'passages'
    if (overflow !== null) options.overflow = /** @type {'window'} */ (overflow)
    if (topK !== null) options.topK = Number(topK)
    return options
  }

  /** @param {boolean} [isBroken] */
  #release(isBroken) {
    this.#shared?.release(isBroken)
    this.#shared = undefined
  }

  /** @param {State} state */
  #enter(state) {
    this.#state = state
    const { states } = this.#internals
    // Older browsers have no states, or refuse names without dashes.
    for (const each of STATES) try { states?.[each === state ? 'add' : 'delete'](each) } catch {}
    const isBusy = state === 'loading' || state === 'reading'
    this.#internals.ariaBusy = String(isBusy)
    if (isBusy) this.#view.busy(LongDocumentClassifier.messages[/** @type {'loading' | 'reading'} */ (state)])
  }

  /** @param {'loading' | 'reading'} state @param {ProgressEvent} event */
  #progress(state, event) {
    if (this.#state !== state) return
    this.#view.busy(LongDocumentClassifier.messages[state], event.total ? event.done / event.total : undefined)
    this.dispatchEvent(new CustomEvent('progress', { detail: event }))
  }

  /** @param {'idle' | 'done' | 'failed'} state @param {Result} [result] @param {unknown} [error] */
  #settle(state, result, error) {
    const wasLoading = this.#state === 'loading'
    this.#result = result
    this.#error = error
    this.#enter(state)
    this.#internals.setFormValue?.(result?.label ?? null)
    this.#validate()
    const { messages } = LongDocumentClassifier
    if (result) {
      const words = messages.result(result, this.#view.percent(result.score))
      const doubt = result.doubt && messages.doubts?.[result.doubt] // pages may have messages from before there were doubts
      this.#view.show(result, MOST_PASSAGES, doubt ? `${words}. ${doubt}` : words)
    } else this.#view.clear(error instanceof Error ? error.message : error && String(error))
    if (result) this.dispatchEvent(new CustomEvent('result', { detail: result, bubbles: true, composed: true }))
    if (state === 'failed') {
      // With the next text it is loaded again.
      const isBroken = ['WORKER_FAILED', 'ENGINE', 'DISPOSED'].includes(/** @type {{ code?: string }} */ (error).code ?? '')
      if (isBroken || wasLoading) this.#release(isBroken)
      this.dispatchEvent(new ErrorEvent('error', { error, message: error instanceof Error ? error.message : String(error) }))
    }
    return result
  }

  #validate() {
    const isMissing = this.required && this.#result === undefined
    if (isMissing) this.#internals.setValidity?.({ valueMissing: true }, LongDocumentClassifier.messages.required, this.#view.result)
    else this.#internals.setValidity?.({})
  }
}

/** Another copy of this library may have been there first. */
export function define() {
  if (!globalThis.customElements?.get('long-document-classifier')) globalThis.customElements?.define('long-document-classifier', LongDocumentClassifier)
}
define()
