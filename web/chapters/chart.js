/**
 * Line charts in SVG, drawn here rather than by a library: two kinds of axis and a handful of lines need no more, stay
 * sharp at any size, take their colours from the style sheet, and need nothing that the page's security policy forbids.
 *
 * @typedef {object} Series
 * @property {string} name written at the line's end
 * @property {string} className gives the colour
 * @property {[number, number][]} points ascending in x
 * @property {boolean} [dashed] computed rather than measured
 * @property {boolean} [area] filled below
 * @property {boolean} [below] its name under the line's end instead of over it
 * @property {number} [nameAt] its name beside the point at this share of them, instead of at the end
 *
 * @typedef {object} Axis
 * @property {'log' | 'linear'} scale
 * @property {[number, number]} domain
 * @property {number[]} ticks
 * @property {(value: number) => string} format
 * @property {(value: number) => string} [exact] of a value under the pointer; default: format
 * @property {string} title
 *
 * @typedef {object} Chart
 * @property {string} title
 * @property {string} subtitle
 * @property {string} summary what the picture shows, for those who do not see it
 * @property {Axis} x
 * @property {Axis} y
 * @property {Series[]} series
 * @property {{ x: number, text: string }} [marker] a vertical line
 * @property {string} [empty] said while there is no line
 */
import { count } from '../common/format.js'

const HEIGHT = 300
const MARGIN = { top: 14, right: 20, bottom: 44, left: 58 }
const NAMESPACE = 'http://www.w3.org/2000/svg'

/** The width is known from the first layout on. @type {WeakMap<Element, { chart: Chart, width?: number }>} */
const drawn = new WeakMap()
/** It is told the widths, so that nobody has to ask for one, which would lay out the whole page at once. */
const widths = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const entry = drawn.get(target)
    if (entry === undefined || entry.width === contentRect.width) continue
    entry.width = contentRect.width
    // Not now, which would change the size that is just being told.
    requestAnimationFrame(() => redraw(/** @type {HTMLElement} */ (target), entry.chart, contentRect.width))
  }
})

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(SVGElement | string)} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(NAMESPACE, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value))
  made.append(...children)
  return made
}

/** Draws the chart into the figure, as soon as it has a width and whenever that changes. @param {HTMLElement} figure @param {Chart} chart */
export function draw(figure, chart) {
  const known = drawn.get(figure)
  if (known === undefined) {
    drawn.set(figure, { chart })
    widths.observe(figure)
    return
  }
  known.chart = chart
  if (known.width !== undefined) redraw(figure, chart, known.width)
}

/** @param {Axis} axis @param {number} from @param {number} to pixels @returns {(value: number) => number} */
function scaleOf({ scale, domain: [low, high] }, from, to) {
  const map = scale === 'log' ? Math.log : (/** @type {number} */ value) => value
  return (value) => from + ((map(Math.min(high, Math.max(low, value))) - map(low)) / (map(high) - map(low))) * (to - from)
}

/** @param {HTMLElement} figure @param {Chart} chart @param {number} available pixels */
function redraw(figure, { title, subtitle, summary, x, y, series, marker, empty }, available) {
  const width = Math.max(240, available)
  const right = width - MARGIN.right
  const bottom = HEIGHT - MARGIN.bottom
  const toX = scaleOf(x, MARGIN.left, right)
  const toY = scaleOf(y, bottom, MARGIN.top)
  const picture = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: 'img', 'aria-label': `${title}. ${summary}` })

  for (const tick of y.ticks) {
    picture.append(svg('line', { class: 'grid', x1: MARGIN.left, x2: right, y1: toY(tick), y2: toY(tick) }),
      svg('text', { class: 'axis', x: MARGIN.left - 9, y: toY(tick) + 4, 'text-anchor': 'end' }, y.format(tick)))
  }
  const every = Math.max(1, Math.ceil((x.ticks.length * 46) / (right - MARGIN.left)))
  for (const [i, tick] of x.ticks.entries()) {
    if (i % every === 0) picture.append(svg('text', { class: 'axis', x: toX(tick), y: bottom + 20, 'text-anchor': 'middle' }, x.format(tick)))
  }
  picture.append(svg('text', { class: 'axis-title', x: right, y: HEIGHT - 6, 'text-anchor': 'end' }, x.title),
    svg('text', { class: 'axis-title', x: MARGIN.left, y: HEIGHT - 6 }, y.title))

  if (marker !== undefined && marker.x >= x.domain[0] && marker.x <= x.domain[1]) {
    const at = toX(marker.x)
    const leftward = at > width * 0.6
    picture.append(svg('line', { class: 'marker', x1: at, x2: at, y1: MARGIN.top, y2: bottom }),
      svg('text', { class: 'marker-name', x: at + (leftward ? -7 : 7), y: bottom - 12, 'text-anchor': leftward ? 'end' : 'start' }, marker.text))
  }
  for (const { name, className, points, dashed, area } of series) {
    if (points.length === 0) continue
    const path = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${toX(a).toFixed(1)} ${toY(b).toFixed(1)}`).join('')
    const group = svg('g', { class: className })
    if (area) group.append(svg('path', { class: 'area', d: `${path}L${toX(points[points.length - 1][0])} ${bottom}L${toX(points[0][0])} ${bottom}Z` }))
    group.append(svg('path', { class: dashed ? 'line dashed' : 'line', d: path }))
    if (!dashed && points.length <= 16) {
      for (const [a, b] of points) {
        const named = svg('title', {}, `${name === '' ? '' : `${name}, `}${count(a)} ${x.title}: ${(y.exact ?? y.format)(b)}`) // under the pointer
        group.append(svg('circle', { class: 'dot', cx: toX(a).toFixed(1), cy: toY(b).toFixed(1), r: 3.6 }, named))
      }
    }
    picture.append(group)
  }
  // Names go where their lines end, moved apart where they would cover each other.
  const names = series.filter(({ points, name }) => points.length > 0 && name !== '').map(({ name, className, points, below, nameAt }) => {
    const [a, b] = points[Math.round((nameAt ?? 1) * (points.length - 1))]
    return nameAt === undefined ? { name, className, x: toX(a), y: toY(b) + (below ? 32 : -12) } : { name, className, x: toX(a) + 8, y: toY(b) + 16, beside: true }
  }).sort((a, b) => a.y - b.y)
  for (const [i, name] of names.entries()) {
    name.y = Math.max(name.y, MARGIN.top + 6, i > 0 ? names[i - 1].y + 17 : 0)
    const anchored = name.x > width / 2 && !name.beside
    picture.append(svg('g', { class: name.className }, svg('text', { class: 'name', x: anchored ? Math.min(name.x + 6, right) : name.x - (name.beside ? 0 : 6), y: name.y, 'text-anchor': anchored ? 'end' : 'start' }, name.name)))
  }
  if (names.length === 0 && empty !== undefined) {
    picture.append(svg('text', { class: 'placeholder', x: (MARGIN.left + right) / 2, y: (MARGIN.top + bottom) / 2 }, empty))
  }

  const caption = document.createElement('figcaption')
  const small = document.createElement('small')
  small.textContent = subtitle
  caption.append(title, small)
  figure.replaceChildren(caption, picture)
}
