/**
 * Workers of a library that comes from another origin than its page, from a CDN for one.
 *
 * No page may start a worker from another origin. But it may start one from a Blob of its own, and that worker may import a
 * script from anywhere that sends CORS headers.
 */

/** Addresses of Blobs, by the script that each imports. They are few, and live as long as the page. @type {Map<string, string>} */
const addresses = new Map()

/**
 * @param {string} file relative to `beside`
 * @param {string} beside `import.meta.url` of the caller
 * @returns {{ script: string, address: string } | undefined} the script's URL, and an address for
 *   `new Worker(address, { type: 'module' })`; undefined where the script itself may be started
 */
export function foreignScript(file, beside) {
  const { origin } = globalThis
  if (origin === undefined || !/^https?:/.test(beside)) return undefined
  const { href: script, origin: home } = new URL(file, beside)
  if (home === origin) return undefined
  const known = addresses.get(script)
  if (known !== undefined) return { script, address: known }
  const address = URL.createObjectURL(new Blob([`import ${JSON.stringify(script)}\n`], { type: 'text/javascript' }))
  addresses.set(script, address)
  return { script, address }
}
