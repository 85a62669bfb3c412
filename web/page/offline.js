/** Registers the service worker, and says when a new version of the page is there. */
import { element } from '../common/dom.js'

/** @param {HTMLElement} box where a new version is offered */
export async function keepOffline(box) {
  if (!('serviceWorker' in navigator) || !globalThis.isSecureContext) return
  const registration = await navigator.serviceWorker.register(new URL('./sw.js', document.baseURI))
  if (registration.waiting !== null) offer(box, registration.waiting)
  registration.addEventListener('updatefound', () => {
    const found = registration.installing
    found?.addEventListener('statechange', () => {
      if (found.state === 'installed' && navigator.serviceWorker.controller !== null) offer(box, found)
    })
  })
}

/** @param {HTMLElement} box @param {ServiceWorker} waiting */
function offer(box, waiting) {
  const button = element('button', { type: 'button', class: 'small' }, 'Load it')
  button.addEventListener('click', () => {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
    waiting.postMessage('take over')
  })
  box.replaceChildren('A new version of this page is ready. ', button)
  box.hidden = false
}
