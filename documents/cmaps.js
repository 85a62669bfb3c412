/** The archive of character maps, where files come by fetch. @returns {Promise<Uint8Array>} */
export async function cmapsBytes() {
  const response = await fetch(new URL('./cmaps.zip', import.meta.url))
  if (!response.ok) throw new Error(`cmaps.zip: status ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
