/**
 * A race of the Linformer and the Transformer through one document, in real time: both really run, each in a worker of its own. The
 * bars are time: both grow alike, and the one who is done stops.
 *
 * The Transformer is stopped when it takes too long, or when the visitor has seen enough. Where it would have ended is then worked
 * out from the share of its work that was done, and marked as such.
 */
import { element, onceInView } from '../common/dom.js'
import { count } from '../common/format.js'
import { Messenger, STOPPED } from '../workers/messenger.js'
import { STORED } from './measured.js'
import { matrixBytes, rowBytes, workDone } from './shape.js'

/** @typedef {import('./shape.js').Attention} Attention */

/**
 * @typedef {object} Outcome
 * @property {number} n tokens
 * @property {number} linformer milliseconds
 * @property {number} full milliseconds
 * @property {number} [seen] share of the Transformer's work that was done; the rest of its time is extrapolated
 */

/** Longer than this the Transformer is not waited for. */
const PATIENCE_MS = 20_000
/** What is done of less work than this foretells nothing. */
const LEAST_SEEN = 0.005
/** Tokens: a longer document's beginning. Weights and rows for so many are about 150 MB for each of the two. */
const MOST = 131_072
const LENGTHS = [1024, 8192, 32_768]
const STORED_LENGTH = 8192

const NAMES = { linformer: 'Linformer', full: 'Transformer' }
const KINDS = /** @type {const} */ (['linformer', 'full'])

export const times = (/** @type {number} */ ratio) => `${ratio < 10 ? ratio.toFixed(1) : count(ratio)}×`

/** Milliseconds or seconds, so that it does not flicker while it runs. @param {number} milliseconds */
const clock = (milliseconds) => (milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : milliseconds < 100_000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${(milliseconds / 60_000).toFixed(1)} min`)

/** @param {number} size */
const roundBytes = (size) => (size < 2 ** 30 ? `${Math.round(size / 2 ** 20)} MiB` : `${(size / 2 ** 30).toFixed(size < 10 * 2 ** 30 ? 1 : 0)} GiB`)

/** @returns {Outcome} */
function stored() {
  const of = (/** @type {Attention} */ attention) => STORED.points.find((point) => point.n === STORED_LENGTH && point.attention === attention)?.milliseconds ?? NaN
  return { n: STORED_LENGTH, linformer: of('linformer'), full: of('full') }
}

/**
 * @param {HTMLElement} root
 * @param {{ onBusy?: (busy: boolean) => void }} [options]
 */
export function mountRace(root, { onBusy = () => {} } = {}) {
  const choices = element('fieldset', { class: 'choices race-lengths' }, element('legend', {}, 'Length of the document, in tokens'))
  const start = element('button', { type: 'button', class: 'primary', id: 'race' }, 'Race')
  const stop = element('button', { type: 'button', id: 'race-stop', 'aria-disabled': 'true' }, 'Stop')
  const status = element('p', { class: 'race-status soft', role: 'status' })
  const lanes = { linformer: lane('linformer'), full: lane('full') }
  const result = element('div', { class: 'race-result' })
  root.replaceChildren(
    element('div', { class: 'race-head' }, choices, element('div', { class: 'actions' }, start, stop)),
    element('div', { class: 'lanes' }, lanes.linformer.root, lanes.full.root), status, result)

  const runners = { linformer: runner(), full: runner() }
  /** Of the visitor's document. @type {number | undefined} */
  let own
  /** Whether it is longer than that. */
  let cut = false
  let chosen = STORED_LENGTH
  let busy = false
  /** @type {Outcome | undefined} */
  let last

  function offer() {
    const lengths = own === undefined ? LENGTHS : [own, ...LENGTHS.filter((n) => Math.abs(Math.log2(n / (own ?? n))) > 0.5)]
    choices.replaceChildren(choices.children[0], ...lengths.map((n, i) => {
      const radio = element('input', { type: 'radio', name: 'race-length', value: String(n) })
      radio.checked = n === chosen
      radio.addEventListener('change', () => { chosen = n })
      return element('label', {}, radio, element('span', {}, own !== undefined && i === 0 ? `yours${cut ? ', the first' : ':'} ${count(n)}` : count(n)))
    }))
  }

  async function race() {
    const n = chosen
    setBusy(true)
    last = undefined
    result.replaceChildren()
    for (const each of Object.values(lanes)) each.show({ width: 0, text: '' })
    status.textContent = 'Both warm up…'
    /** @type {{ linformer?: number, full?: number }} */
    const done = {}
    let seen = 0
    const ended = new AbortController()
    try {
      await Promise.all(KINDS.map((attention) => runners[attention].call('prepare', { attention, n })))
      status.textContent = `Both read ${count(n)} tokens, side by side, on one thread each.`
      const started = performance.now()
      const guess = guessFor(n)
      const draw = () => {
        const elapsed = performance.now() - started
        // The axis ends where the Transformer is expected to, so that the bars grow towards something.
        const expected = done.full ?? (seen > 0.02 ? elapsed / seen : Math.max(guess, elapsed * 1.15))
        const axis = Math.max(expected, elapsed, done.linformer ?? 0)
        for (const attention of KINDS) {
          const ms = done[attention] ?? elapsed
          const part = attention === 'full' && done.full === undefined ? `, ${Math.floor(100 * seen)} % read` : ''
          lanes[attention].show({ width: ms / axis, text: `${clock(ms)}${part}`, running: done[attention] === undefined })
        }
        if (elapsed > PATIENCE_MS && seen >= LEAST_SEEN && done.linformer !== undefined) runners.full.close()
      }
      void frames(draw, ended.signal)
      await Promise.all(KINDS.map(async (attention) => {
        done[attention] = await runners[attention].call('run', undefined, {
          onProgress({ share }) { if (attention === 'full') seen = workDone('full', n, share) }
        }).catch((error) => {
          // Stopped while the Linformer is done and something of the Transformer has been seen: that is an outcome too.
          if (error.message !== STOPPED || attention !== 'full' || done.linformer === undefined || seen < LEAST_SEEN) throw error
          return undefined
        })
        if (attention === 'full' && done.full === undefined) end({ n, linformer: done.linformer ?? NaN, full: (performance.now() - started) / seen, seen })
      }))
      if (last === undefined) end({ n, linformer: done.linformer ?? NaN, full: done.full ?? NaN })
    } catch (error) {
      for (const each of Object.values(runners)) each.close()
      const why = error instanceof Error ? error.message : String(error)
      if (why === STOPPED) status.textContent = 'Stopped before there was anything to compare.'
      else status.textContent = `The race stopped: ${why}. Try a shorter length.`
    } finally {
      ended.abort()
      for (const each of Object.values(runners)) each.close()
      setBusy(false)
    }
  }

  /** @param {Outcome} outcome */
  function end(outcome) {
    last = outcome
    status.textContent = outcome.seen === undefined
      ? `Both have read ${count(outcome.n)} tokens, side by side, on one thread each: measured just now, on this machine.`
      : `The Transformer was stopped after ${Math.max(1, Math.round(100 * outcome.seen))} % of its work. The rest of its time is extrapolated from that, not measured.`
    show(outcome)
  }

  /** @param {Outcome} outcome @param {number} [elapsed] in a replay: milliseconds that both have run */
  function show({ n, linformer, full, seen }, elapsed = Infinity) {
    const axis = Math.max(linformer, full)
    const now = { linformer: Math.min(linformer, elapsed), full: Math.min(full, elapsed) }
    lanes.linformer.show({ width: now.linformer / axis, text: clock(now.linformer), running: elapsed < linformer })
    lanes.full.show({
      width: now.full / axis, text: seen === undefined ? clock(now.full) : `about ${clock(full)}`, running: elapsed < full, ...(seen === undefined ? {} : { seen })
    })
    if (elapsed < full) return
    const about = seen === undefined ? '' : 'about '
    result.replaceChildren(
      element('p', { class: 'factor' }, element('strong', {}, `${about}${times(full / linformer)}`), ` faster at ${count(n)} tokens`),
      element('p', { class: 'factor' }, element('strong', {}, roundBytes(matrixBytes(n))), ` for the n × n scores of one layer. The Linformer’s n × k take ${roundBytes(rowBytes(n))}.`))
  }

  function showStored() {
    if (Number.isNaN(stored().full)) return
    status.replaceChildren(element('span', { class: 'tag' }, 'stored measurement'), ` ${STORED.machine}, ${STORED.date}. Press Race to run it here.`)
    const outcome = stored()
    show(outcome)
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
    // In real time, once, when it comes into view.
    onceInView(lanes.full.root, { threshold: 0.9 }, () => {
      if (busy || last !== undefined) return
      const replay = new AbortController()
      const started = performance.now()
      void frames(() => {
        if (busy || last !== undefined) return replay.abort()
        const elapsed = performance.now() - started
        show(outcome, elapsed)
        if (elapsed >= outcome.full) replay.abort()
      }, replay.signal)
    })
  }

  /** @param {boolean} now */
  function setBusy(now) {
    busy = now
    start.setAttribute('aria-disabled', String(busy))
    stop.setAttribute('aria-disabled', String(!busy))
    onBusy(busy)
  }

  start.addEventListener('click', () => {
    if (start.getAttribute('aria-disabled') !== 'true') void race()
  })
  stop.addEventListener('click', () => {
    if (busy) for (const each of Object.values(runners)) each.close()
  })
  offer()
  showStored()
  return {
    /** The visitor's document has so many tokens. @param {number} tokens */
    documentRead(tokens) {
      own = Math.min(MOST, tokens)
      cut = tokens > MOST
      if (!busy) chosen = own
      offer()
    },
    /** Something else is being timed: no race meanwhile. @param {boolean} other */
    hold(other) {
      if (!busy) start.setAttribute('aria-disabled', String(other))
    }
  }
}

const runner = () => new Messenger(new URL('../workers/complexity.js', import.meta.url))

/** A first idea of how long the Transformer takes, from the stored measurement: its time grows with n². @param {number} n */
function guessFor(n) {
  const { full, n: at } = stored()
  return Number.isNaN(full) ? 0 : full * (n / at) ** 2
}

/** Calls `draw` with every frame that the browser shows, until the signal. @param {() => void} draw @param {AbortSignal} signal */
async function frames(draw, signal) {
  while (!signal.aborted) {
    draw()
    await new Promise((resolve) => requestAnimationFrame(resolve))
  }
}

/**
 * A lane of the race. The bar is for the eye; its text says the same.
 * @param {Attention} attention
 */
function lane(attention) {
  const bar = element('span', { class: 'lane-bar' })
  const rest = element('span', { class: 'lane-rest' })
  const text = element('span', { class: 'lane-time' })
  const root = element('div', { class: `lane series-${attention}` },
    element('span', { class: 'lane-name' }, NAMES[attention]), element('span', { class: 'lane-track', 'aria-hidden': 'true' }, bar, rest), text)
  return {
    root,
    /** @param {{ width: number, text: string, running?: boolean, seen?: number }} state of the bar's width, `seen` is measured */
    show({ width, text: words, running = false, seen = 1 }) {
      bar.style.width = `${100 * width * seen}%`
      rest.style.width = `${100 * width * (1 - seen)}%`
      text.textContent = words
      root.classList.toggle('running', running)
    }
  }
}
