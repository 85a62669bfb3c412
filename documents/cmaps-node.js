import { readFile } from 'node:fs/promises'

/** The archive of character maps, from the disk. @returns {Promise<Uint8Array>} */
export const cmapsBytes = () => readFile(new URL('./cmaps.zip', import.meta.url))
