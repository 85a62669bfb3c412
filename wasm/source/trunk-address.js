/**
 * Where the trunk of a head file may be: the head says its name and its digest.
 */
import { isA } from '../common/kinds.js'

/**
 * @param {unknown} source of the head
 * @param {string} file
 * @returns {string | URL | undefined} the file of that name beside it, if the source is an address
 */
function beside(source, file) {
  if (isA(source, 'Response') || isA(source, 'Blob')) {
    const { url } = /** @type {{ url?: string }} */ (source) // a worker has the bytes of a response as a blob
    return url ? new URL(file, url) : undefined
  }
  if (isA(source, 'URL')) return /^(data|blob):/.test(source.protocol) ? undefined : new URL(file, source)
  if (typeof source !== 'string' || /^(data|blob):/i.test(source)) return undefined
  // A drive of Windows is no scheme.
  return /^[a-z][a-z\d+.-]+:/i.test(source) ? new URL(file, source) : source.replace(/[^/\\]*$/, file)
}

/**
 * @param {unknown} source of the head
 * @param {string | undefined} name that the head gives its trunk
 * @param {((source: unknown) => URL | undefined) | undefined} shipped where the shipped models are
 * @returns {(string | URL)[]} the addresses to look at, one after another; none if the name is not one
 */
export function trunkAddresses(source, name, shipped) {
  // It comes from a file: it must not lead to another folder.
  if (name === undefined || !/^\w[\w.-]*$/.test(name)) return []
  const addresses = [beside(source, `${name}.safetensors`), shipped?.(name)].filter((address) => address !== undefined)
  return addresses.filter((address, i) => addresses.findIndex((other) => String(other) === String(address)) === i)
}
