/** Files that are dropped on the page, folders with all that is in them. */

/**
 * @param {HTMLElement} zone shown as the place to drop at, wherever on the page the files are
 * @param {(files: File[], target: Element | null) => void} onFiles
 */
export function watchDrops(zone, onFiles) {
  const carriesFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false
  /** @type {Element | null} */
  let over = null
  const mark = (/** @type {Element | null} */ next) => {
    over?.classList.remove('over')
    over = next
    over?.classList.add('over')
  }
  // On the whole page: a file that missed its place would otherwise replace the page.
  addEventListener('dragover', (event) => {
    if (!carriesFiles(event)) return
    event.preventDefault()
    mark(placeOf(event.target) ?? zone)
  })
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(null)
  })
  addEventListener('drop', async (event) => {
    mark(null)
    if (!carriesFiles(event) || event.dataTransfer === null) return
    event.preventDefault()
    const { target } = event
    onFiles(await filesOf(event.dataTransfer), target instanceof Element ? target : null)
  })
}

/** A part of the page that takes files itself. @param {EventTarget | null} target */
const placeOf = (target) => (target instanceof Element ? target.closest('[data-drop]') : null)

/** @param {DataTransfer} transfer @returns {Promise<File[]>} in the order of their names, where a folder holds them */
async function filesOf(transfer) {
  // Both have to be asked for before the first pause: the transfer is empty afterwards.
  const entries = [...transfer.items].filter(({ kind }) => kind === 'file').map((item) => item.webkitGetAsEntry?.() ?? null)
  const files = [...transfer.files]
  if (!entries.some((entry) => entry?.isDirectory)) return files
  const found = []
  for (const entry of entries) if (entry !== null) found.push(...await filesIn(entry, ''))
  return found
}

/** @param {FileSystemEntry} entry @param {string} folder @returns {Promise<File[]>} */
async function filesIn(entry, folder) {
  const path = `${folder}${entry.name}`
  if (entry.name.startsWith('.')) return []
  if (entry.isFile) {
    const file = await new Promise((/** @type {(file: File) => void} */ resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject))
    // As an input for folders has it.
    Object.defineProperty(file, 'webkitRelativePath', { value: path, configurable: true })
    return [file]
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader()
  const entries = []
  for (;;) { // it gives a hundred at a time
    const some = await new Promise((/** @type {(entries: FileSystemEntry[]) => void} */ resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) break
    entries.push(...some)
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  const files = []
  for (const each of entries) files.push(...await filesIn(each, `${path}/`))
  return files
}
