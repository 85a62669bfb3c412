/** Registers the service worker, and says when a new version of the page is there. */
import { element, find } from '../common/dom.js'

const box = find(document, '#update', HTMLElement)

export async function keepOffline() {
  if (!('serviceWorker' in navigator) || !globalThis.isSecureContext) return
  const registration = await navigator.serviceWorker.register(new URL('./sw.js', document.baseURI))
  if (registration.waiting !== null) offer(registration.waiting)
  registration.addEventListener('updatefound', () => {
    const found = registration.installing
    found?.addEventListener('statechange', () => {
      if (found.state === 'installed' && navigator.serviceWorker.controller !== null) offer(found)
    })
  })
}

/** @param {ServiceWorker} waiting */
function offer(waiting) {
  const button = element('button', { type: 'button', class: 'small' }, 'Load it')
  button.addEventListener('click', () => {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
    waiting.postMessage('take over')
  })
  box.replaceChildren('A new version of this page is ready. ', button)
  box.hidden = false
}
