/**
 * The menu: takes the text of a page or selection, and opens the page that classifies it.
 */

chrome.runtime.onInstalled.addListener(() => {
  chrome.contextMenus.create({ id: 'page', title: 'What is this page?', contexts: ['page'] })
  chrome.contextMenus.create({ id: 'selection', title: 'What is this selection?', contexts: ['selection'] })
})

/** Runs in the page. */
const textOfPage = (isSelection) => (isSelection && String(getSelection())) || document.body?.innerText || ''

async function read(tab, { isSelection = false, selectionText = '', frameId = 0 } = {}) {
  try {
    const [{ result }] = await chrome.scripting.executeScript({
      target: { tabId: tab.id, frameIds: [frameId] }, func: textOfPage, args: [isSelection]
    })
    return result
  } catch {
    return selectionText // pages of the browser itself, and its store, let no extension in
  }
}

async function open(tab, options) {
  const id = crypto.randomUUID()
  const text = await read(tab, options)
  // Texts stay in memory, and go when the browser is closed.
  await chrome.storage.session.set({ [id]: { text, title: tab.title ?? '' } })
  await chrome.tabs.create({ url: `result.html?${id}`, index: tab.index + 1 })
}

chrome.contextMenus.onClicked.addListener(({ menuItemId, selectionText, frameId }, tab) => {
  void open(tab, { isSelection: menuItemId === 'selection', selectionText, frameId })
})
chrome.action.onClicked.addListener((tab) => { void open(tab) })
