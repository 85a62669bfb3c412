/**
 * What a value is, whichever realm it comes from: objects of another window, of a vm context or of a test's environment
 * are no instances of the classes here.
 */

/**
 * @typedef {{ URL: URL, Response: Response, Blob: Blob, File: File, ArrayBuffer: ArrayBuffer, SharedArrayBuffer: SharedArrayBuffer,
 *   Uint16Array: Uint16Array, Uint32Array: Uint32Array, 'WebAssembly.Module': WebAssembly.Module }} Kinds
 */

/**
 * @template {keyof Kinds} Kind
 * @param {unknown} value
 * @param {Kind} kind
 * @returns {value is Kinds[Kind]}
 */
export function isA(value, kind) {
  return typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === `[object ${kind}]`
}

/**
 * @param {unknown} value
 * @returns {Uint8Array | undefined} the bytes of a buffer or a view of one; a copy where others can change or resize them
 */
export function asBytes(value) {
  const isView = ArrayBuffer.isView(value)
  const buffer = isView ? value.buffer : value
  const isShared = isA(buffer, 'SharedArrayBuffer')
  if (!isShared && !isA(buffer, 'ArrayBuffer')) return undefined
  if (/** @type {{ byteLength: number }} */ (value).byteLength === 0) return new Uint8Array(0) // also one that has been handed over
  const bytes = isView ? new Uint8Array(buffer, value.byteOffset, value.byteLength) : new Uint8Array(buffer)
  return isShared || /** @type {{ resizable?: boolean }} */ (buffer).resizable ? new Uint8Array(bytes) : bytes
}

/** The key under which a classifier tells what it is made of: read through the proxies that frameworks put around objects. */
export const INSIDE = Symbol('linformer-wasm')

/** @param {unknown} value @returns {Record<string, unknown> | undefined} undefined if it is not a classifier, of here or of a worker */
export const insideOf = (value) => /** @type {{ [INSIDE]?: () => Record<string, unknown> } | undefined | null} */ (value)?.[INSIDE]?.()
