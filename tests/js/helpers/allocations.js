/**
 * Hosts that refuse memory: the n-th array or WebAssembly.Memory asked for by length fails, as where there is none left.
 */
const ARRAYS = ['Uint8Array', 'Int32Array', 'Uint32Array', 'Float32Array', 'ArrayBuffer']

/**
 * Runs work with the constructors replaced.
 *
 * @param {number} failing which allocation fails, from 0
 * @param {() => Promise<any>} work
 * @returns {Promise<{ failed: boolean, value?: any, error?: any }>} whether the work got as far as that allocation
 */
export async function refusingAllocation(failing, work) {
  let count = 0
  let failed = false
  const refuse = (message) => {
    failed = true
    throw new RangeError(message)
  }
  const originals = ARRAYS.map((name) => [name, globalThis[name]])
  const { Memory } = WebAssembly
  for (const [name, Original] of originals) {
    globalThis[name] = new Proxy(Original, {
      construct(target, args, newTarget) {
        if (typeof args[0] === 'number' && args[0] > 0 && count++ === failing) refuse('Array buffer allocation failed')
        return Reflect.construct(target, args, newTarget)
      }
    })
  }
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args, newTarget) {
      if (count++ === failing) refuse('WebAssembly.Memory(): could not allocate memory')
      return Reflect.construct(target, args, newTarget)
    }
  })
  try {
    return { value: await work(), failed }
  } catch (error) {
    return { error, failed }
  } finally {
    for (const [name, Original] of originals) globalThis[name] = Original
    WebAssembly.Memory = Memory
  }
}
