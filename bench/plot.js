/**
 * Line plots with logarithmic axes, as SVG.
 */

/**
 * @typedef {{ name: string, points: [number, number][], dashed?: boolean }} Series points: [x, y], both above zero
 */

const WIDTH = 760
const HEIGHT = 460
const LEFT = 80
const RIGHT = 250
const TOP = 40
const BOTTOM = 50
const COLOURS = ['#0b6e4f', '#08a045', '#d1495b', '#edae49', '#00798c', '#7b4b94', '#30638e', '#8d6a4f', '#111111', '#c71f8e', '#5f6b1a', '#b45f06']

const escape = (/** @type {string} */ text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Powers of `base` that enclose the values. @param {number[]} values @param {number} base */
function ticksOf(values, base) {
  const log = (/** @type {number} */ value) => Math.log(value) / Math.log(base)
  const first = Math.floor(log(Math.min(...values)) + 1e-9)
  const last = Math.max(first + 1, Math.ceil(log(Math.max(...values)) - 1e-9))
  return Array.from({ length: last - first + 1 }, (_, i) => base ** (first + i))
}

/**
 * @param {{ title: string, x: string, y: string, series: Series[] }} plot
 * @returns {string} an SVG file
 */
export function plot({ title, x, y, series }) {
  const drawn = series.filter(({ points }) => points.length > 0)
  const all = drawn.flatMap(({ points }) => points)
  const xs = ticksOf(all.map(([at]) => at), 2)
  const ys = ticksOf(all.map(([, value]) => value), 10)
  /** @param {number} value @param {number[]} ticks @param {number} from @param {number} to */
  const scale = (value, ticks, from, to) => {
    const [low, high] = [Math.log(ticks[0]), Math.log(ticks[ticks.length - 1])]
    return Number((from + (Math.log(value) - low) / (high - low) * (to - from)).toFixed(1))
  }
  const atX = (/** @type {number} */ value) => scale(value, xs, LEFT, WIDTH - RIGHT)
  const atY = (/** @type {number} */ value) => scale(value, ys, HEIGHT - BOTTOM, TOP)
  const grid = [
    ...xs.map((value) => `<path class="grid" d="M${atX(value)} ${TOP}V${HEIGHT - BOTTOM}"/><text x="${atX(value)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${value.toLocaleString('en')}</text>`),
    ...ys.map((value) => `<path class="grid" d="M${LEFT} ${atY(value)}H${WIDTH - RIGHT}"/><text x="${LEFT - 8}" y="${atY(value) + 4}" text-anchor="end">${Number(value.toPrecision(1)).toLocaleString('en')}</text>`)
  ]
  // Names stand where their lines end, moved apart.
  const names = drawn.map(({ points }, index) => ({ index, y: atY(points[points.length - 1][1]) })).sort((a, b) => a.y - b.y)
  for (let i = 1; i < names.length; i++) names[i].y = Math.max(names[i].y, names[i - 1].y + 16)
  const over = Math.max(0, (names.at(-1)?.y ?? 0) - (HEIGHT - BOTTOM))
  const nameY = new Map(names.map(({ index, y: at }) => [index, at - over]))
  const lines = drawn.map(({ name, points, dashed }, index) => {
    const colour = COLOURS[index % COLOURS.length]
    const path = points.map(([at, value], i) => `${i === 0 ? 'M' : 'L'}${atX(at)} ${atY(value)}`).join('')
    const dots = points.map(([at, value]) => `<circle cx="${atX(at)}" cy="${atY(value)}" r="3" fill="${colour}"/>`).join('')
    const label = nameY.get(index) ?? 0
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>${dots}
<rect x="${WIDTH - RIGHT + 12}" y="${label - 5}" width="10" height="10" fill="${colour}"/><text x="${WIDTH - RIGHT + 28}" y="${label + 4}">${escape(name)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#222">
<style>.grid { stroke: #ddd }</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="15" font-weight="600">${escape(title)}</text>
${grid.join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escape(x)}</text>
<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escape(y)}</text>
${lines.join('\n')}
</svg>
`
}
