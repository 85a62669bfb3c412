/**
 * Addresses of models on a hub of repositories, as huggingface.co is one:
 *
 *     hf:OWNER/NAME[@REVISION][/PATH]   ->   HUB/OWNER/NAME/resolve/REVISION/PATH
 *
 * - OWNER and NAME are of letters, digits, `.`, `_` and `-`, as the hub writes them.
 * - REVISION is a branch, a tag or a commit; a `/` in it is written `%2F`. Default: main, whose files may change. With `cache` or
 *   `integrity`, name a commit.
 * - PATH is the file, in its folders. Default: model.safetensors.
 * - HUB is the option `hub`, else in Node.js the environment variable HF_ENDPOINT, else https://huggingface.co.
 *
 * Everything else is no such address, and is left as it is.
 */
import { LinformerError, show } from '../common/errors.js'

const HUB = 'https://huggingface.co'
const FILE = 'model.safetensors'
const REVISION = 'main'
const ADDRESS = /^hf:([\w.-]+\/[\w.-]+)(?:@([^/]*))?(?:\/(.*))?$/
/** Names that a URL would read as folders. */
const DOTS = /^\.{0,2}$/

/** @param {unknown} source @returns {source is string} */
export const isAddress = (source) => typeof source === 'string' && /^hf:/i.test(source)

/**
 * @param {unknown} source
 * @param {string} [hub]
 * @returns {URL | undefined} undefined if the source is no address on a hub
 * @throws {LinformerError} BAD_ARGUMENT if it is a wrong one
 */
export function modelAddress(source, hub = HUB) {
  if (!isAddress(source)) return undefined
  checkHub(hub)
  const [, repository, revision = REVISION, path = FILE] = ADDRESS.exec(source) ?? []
  const names = [...repository?.split('/') ?? [''], decode(revision), ...path.split('/')]
  if (names.some((name) => name === undefined || DOTS.test(name))) {
    throw new LinformerError('BAD_ARGUMENT', `${show(source)} is not the address of a model; it has to be hf:OWNER/NAME, hf:OWNER/NAME@REVISION or either with /PATH`, { source })
  }
  const [owner, name, ...rest] = names.map((each) => encodeURIComponent(each ?? ''))
  return new URL(`${hub.replace(/\/+$/, '')}/${owner}/${name}/resolve/${rest.join('/')}`)
}

/** @param {unknown} hub @throws {LinformerError} BAD_ARGUMENT if it is neither undefined nor the URL of a server */
export function checkHub(hub) {
  try {
    if (hub === undefined || (typeof hub === 'string' && /^https?:$/.test(new URL(hub).protocol))) return
  } catch {
    // no URL at all
  }
  throw new LinformerError('BAD_ARGUMENT', `hub is ${show(hub)}; it has to be an HTTP URL such as ${HUB}`, { hub })
}

/** @param {string} text @returns {string | undefined} */
function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
