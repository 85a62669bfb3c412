/**
 * A plot of curves in a terminal, both axes logarithmic: a power of the length is a straight line, and its steepness the power.
 */

const WIDTH = 60
const HEIGHT = 16

/** @param {number} ms */
const label = (ms) => ms >= 1000 ? `${Number((ms / 1000).toPrecision(2))} s` : `${Number(ms.toPrecision(2))} ms`

/**
 * @param {{ mark: string, points: { tokens: number, ms: number }[] }[]} curves
 * @returns {string} lines; '' if there are fewer than two lengths
 */
export function plot(curves) {
  const points = curves.flatMap((curve) => curve.points)
  const tokens = points.map((point) => Math.log(point.tokens))
  const times = points.map((point) => Math.log(Math.max(point.ms, 1e-3)))
  const [left, right] = [Math.min(...tokens), Math.max(...tokens)]
  const [low, high] = [Math.min(...times), Math.max(...times)]
  if (!(right > left) || !(high > low)) return ''
  const grid = Array.from({ length: HEIGHT }, () => new Array(WIDTH).fill(' '))
  const put = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ mark) => {
    const column = Math.round(((x - left) / (right - left)) * (WIDTH - 1))
    const row = Math.round(((high - y) / (high - low)) * (HEIGHT - 1))
    if (mark !== '·' || grid[row][column] === ' ') grid[row][column] = mark
  }
  for (const { mark, points } of curves) {
    const logs = points.map((point) => [Math.log(point.tokens), Math.log(Math.max(point.ms, 1e-3))])
    for (let i = 1; i < logs.length; i++) {
      for (let step = 0; step <= WIDTH; step++) {
        const [from, to] = [logs[i - 1], logs[i]]
        put(from[0] + ((to[0] - from[0]) * step) / WIDTH, from[1] + ((to[1] - from[1]) * step) / WIDTH, '·')
      }
    }
    for (const [x, y] of logs) put(x, y, mark)
  }
  const ticks = new Map([[0, high], [Math.floor(HEIGHT / 2), (high + low) / 2], [HEIGHT - 1, low]])
  const lines = grid.map((row, i) => {
    const tick = ticks.get(i)
    return `${(tick === undefined ? '' : label(Math.exp(tick))).padStart(9)} │${row.join('').trimEnd()}`
  })
  const [first, last] = [Math.round(Math.exp(left)), Math.round(Math.exp(right))].map((n) => n.toLocaleString('en-US'))
  lines.push(`${''.padStart(10)}└${'─'.repeat(WIDTH)}`, `${''.padStart(11)}${first}${`${last} tokens`.padStart(WIDTH - first.length)}`)
  return `${lines.join('\n')}\n`
}
