/** What every component of the page does with its part of the document. A component finds or makes elements in its own root alone. */

/**
 * The element that a component's root is known to have.
 * @template {HTMLElement} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} type
 * @returns {T}
 */
export function find(root, selector, type) {
  const found = root.querySelector(selector)
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} at ${selector}`)
  return found
}

/**
 * A new element. Text goes in as text, so nothing from a document can become markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

/**
 * The rows of a list of names and values.
 * @param {[Node | string, string][]} rows
 */
export function rows(rows) {
  return element('dl', {}, ...rows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]))
}

/**
 * Makes these the children, in this order. What has the focus keeps it, unless it goes.
 *
 * @param {Element} parent
 * @param {readonly Element[]} children
 */
export function arrange(parent, children) {
  const wanted = new Set(children)
  const focused = document.activeElement
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove()
  for (const [i, child] of children.entries()) {
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null)
  }
  // What is moved loses it.
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true })
}

/**
 * Calls back once, when an element first comes into view.
 * @param {Element} target
 * @param {IntersectionObserverInit} options
 * @param {() => void} seen
 */
export function onceInView(target, options, seen) {
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return
    watcher.disconnect()
    seen()
  }, options)
  watcher.observe(target)
}
