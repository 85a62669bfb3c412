/**
 * The hub that the environment names, if it names one. Deno asks for a permission before it gives an answer; without it there is none.
 *
 * @returns {string | undefined}
 */
export function hub() {
  try {
    return process.env.HF_ENDPOINT || undefined
  } catch {
    return undefined
  }
}
