/**
 * What the page keeps on this machine: examples, labels and models, in IndexedDB. Where the browser keeps nothing (some private
 * windows), the page works the same until it is closed.
 */
import { createPause } from '../common/pause.js'

const NAME = 'linformer-wasm'
const VERSION = 1
/** Values that are written in one transaction. */
const BATCH = 200

/** @typedef {'examples' | 'models' | 'settings'} Store */

/** @type {Promise<IDBDatabase> | undefined} */
let opened

function open() {
  opened ??= new Promise((/** @type {(database: IDBDatabase) => void} */ resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION)
    request.onupgradeneeded = () => {
      for (const store of ['examples', 'models', 'settings']) request.result.createObjectStore(store, { keyPath: 'id' })
    }
    request.onsuccess = () => {
      // Another tab has a newer version of the page: do not stand in its way.
      request.result.onversionchange = () => {
        request.result.close()
        opened = undefined
      }
      resolve(request.result)
    }
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error('another tab has an older version of this page open'))
  })
  opened.catch(() => { opened = undefined })
  return opened
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const answered = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error)
})

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
const completed = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve()
  transaction.onabort = transaction.onerror = () => reject(transaction.error)
})

/**
 * All values of a store, in the order of their keys, some at a time.
 *
 * @template {{ id: IDBValidKey }} T
 * @param {Store} store
 * @param {(values: T[]) => void} onValues
 */
export async function readAll(store, onValues) {
  const database = await open()
  /** @type {IDBValidKey | undefined} */
  let last
  for (;;) {
    const range = last === undefined ? null : IDBKeyRange.lowerBound(last, true)
    const values = await answered(database.transaction(store).objectStore(store).getAll(range, BATCH))
    if (values.length === 0) return
    onValues(values)
    last = values[values.length - 1].id
  }
}

/** @param {Store} store @param {readonly { id: number | string }[]} values */
export async function put(store, values) {
  const database = await open()
  const pause = createPause()
  for (let from = 0; from < values.length; from += BATCH) {
    const transaction = database.transaction(store, 'readwrite')
    for (const value of values.slice(from, from + BATCH)) transaction.objectStore(store).put(value)
    await completed(transaction)
    await pause()
  }
}

/** @param {Store} store @param {readonly (number | string)[]} ids */
export async function remove(store, ids) {
  const transaction = (await open()).transaction(store, 'readwrite')
  for (const id of ids) transaction.objectStore(store).delete(id)
  await completed(transaction)
}

/** Forgets everything. */
export async function clearAll() {
  const database = await open()
  const transaction = database.transaction([...database.objectStoreNames], 'readwrite')
  for (const store of database.objectStoreNames) transaction.objectStore(store).clear()
  await completed(transaction)
}
