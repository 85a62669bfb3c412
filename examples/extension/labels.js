/**
 * The user's own labels: examples and the head that was taught from them, in the extension's storage.
 */

/** Of each label, before teaching makes sense. */
export const LEAST = 2

/** @returns {Promise<{ text: string, label: string }[]>} */
export const examples = async () => (await chrome.storage.local.get({ examples: [] })).examples

/** How many examples each label has. */
export function count(all) {
  const counts = new Map()
  for (const { label } of all) counts.set(label, (counts.get(label) ?? 0) + 1)
  return counts
}

export const canTeach = (all) => [...count(all).values()].filter((n) => n >= LEAST).length >= 2

/** Adds an example, or gives one that is there its new label. */
export async function remember(text, label) {
  const all = (await examples()).filter((each) => each.text !== text)
  all.push({ text, label })
  await chrome.storage.local.set({ examples: all })
  return all
}

/** Teaches the trunk, and keeps the head. Labels with a single example wait. */
export async function teach(trunk, all) {
  const counts = count(all)
  const { head, report } = await trunk.teach(all.filter(({ label }) => counts.get(label) >= LEAST))
  let binary = ''
  for (const byte of head) binary += String.fromCharCode(byte)
  await chrome.storage.local.set({ head: btoa(binary) })
  return report
}

/** @returns {Promise<Uint8Array | undefined>} the head that was taught last */
export async function taught() {
  const { head } = await chrome.storage.local.get('head')
  return head && Uint8Array.from(atob(head), (character) => character.charCodeAt(0))
}

export const forget = () => chrome.storage.local.clear()
