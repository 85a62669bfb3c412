/**
 * `using classifier = await load(...)`, where the language has it.
 *
 * @param {{ dispose: () => void }} object
 */
export function addDispose(object) {
  if (typeof Symbol.dispose === 'symbol') Object.assign(object, { [Symbol.dispose]: object.dispose })
}
