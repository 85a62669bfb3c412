/** The result as a picture, to be saved: what was asked, what was answered, and the document as the map shows it. */
import { count, duration, percent } from '../common/format.js'
import { typicalityWords } from './result.js'

const [WIDTH, HEIGHT] = [1200, 630]
const PAD = 72
const SHOWN = 4 // labels

/**
 * @param {object} what
 * @param {import('../engine/models.js').Task} what.task
 * @param {import('../wasm/index.js').Result} what.result
 * @param {number} what.milliseconds
 * @param {HTMLCanvasElement} what.map of the document
 * @returns {Promise<Blob>} PNG
 */
export async function pictureOf({ task, result, milliseconds, map }) {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
  const style = getComputedStyle(document.documentElement)
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim()
  const right = WIDTH - PAD - 150
  await document.fonts.ready
  context.fillStyle = colour('paper')
  context.fillRect(0, 0, WIDTH, HEIGHT)
  context.textBaseline = 'alphabetic'
  /** @param {string} words @param {number} y @param {string} font @param {string} ink @param {number} [x] */
  const write = (words, y, font, ink, x = PAD) => {
    context.font = font
    context.fillStyle = colour(ink)
    context.fillText(fitting(context, words, right - x - 40), x, y)
  }
  const sans = (/** @type {number} */ size, weight = 400) => `${weight} ${size}px Inter, sans-serif`
  const serif = (/** @type {number} */ size) => `500 ${size}px "Source Serif 4", Georgia, serif`
  write(task.about, 110, sans(26), 'soft')
  const { found } = result
  write(found === undefined ? result.label : `${count(found.length)} found`, 190, serif(72), 'ink')
  const scores = found === undefined ? result.scores : found
  for (const [i, { label, score }] of scores.slice(0, SHOWN).entries()) {
    const y = 260 + i * 62
    write(label, y, sans(24, i === 0 ? 600 : 400), 'ink')
    context.font = sans(24)
    context.textAlign = 'right'
    context.fillText(percent(score), right - 40, y)
    context.textAlign = 'left'
    context.fillStyle = colour('line')
    context.fillRect(PAD, y + 12, right - PAD - 40, 10)
    context.fillStyle = colour(i === 0 || found !== undefined ? 'accent' : 'rest')
    context.fillRect(PAD, y + 12, (right - PAD - 40) * score, 10)
  }
  const words = typicalityWords(result)
  if (words !== '') write(words.replace(/:.*/, '.'), 530, sans(20), 'soft')
  write(`${count(result.tokensUsed)} of ${count(result.tokens)} tokens read in ${duration(milliseconds)}, in a browser. linformer-wasm`, 570, sans(20), 'soft')
  if (map.width > 0 && map.height > 0) {
    const height = Math.min(HEIGHT - 2 * PAD, (130 * map.height) / map.width)
    context.drawImage(map, right + 20, PAD, 130, height)
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error('the browser made no picture')) : resolve(blob)), 'image/png')
  })
}

/** @param {CanvasRenderingContext2D} context with its font set @param {string} words @param {number} width */
function fitting(context, words, width) {
  if (context.measureText(words).width <= width) return words
  let [low, high] = [0, words.length]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (context.measureText(`${words.slice(0, middle)}…`).width <= width) low = middle
    else high = middle - 1
  }
  return `${words.slice(0, low)}…`
}
