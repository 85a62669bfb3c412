/** From a drawing to the 784 tokens of the digits' model: as the images of MNIST were made. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { pixelsOf, SIDE, tokensOf } from '../../web/chapters/pixels.js'

const SIZE = 280

/** A drawing. @param {(x: number, y: number) => boolean} inked */
const drawing = (inked) => Uint8Array.from({ length: SIZE * SIZE }, (_, at) => (inked(at % SIZE, Math.floor(at / SIZE)) ? 255 : 0))

/** What MNIST promises of an image: its box, and its centre of mass. @param {Uint8Array} pixels */
function measure(pixels) {
  let [left, top, right, bottom, mass, across, down] = [SIDE, SIDE, -1, -1, 0, 0, 0]
  for (const [at, value] of pixels.entries()) {
    const [x, y] = [at % SIDE, Math.floor(at / SIDE)]
    if (value > 0) [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)]
    mass += value
    across += value * (x + 0.5)
    down += value * (y + 0.5)
  }
  return { width: right - left + 1, height: bottom - top + 1, x: across / mass, y: down / mass, mass }
}

for (const [name, inked] of /** @type {[string, (x: number, y: number) => boolean][]} */ ([
  ['a bar in the corner', (x, y) => x < 24 && y < 200],
  ['a flat stroke', (x, y) => y > 240 && y < 264 && x > 20],
  ['a ring', (x, y) => Math.abs(Math.hypot(x - 100, y - 170) - 60) < 12],
  ['a small seven', (x, y) => (y > 100 && y < 112 && x > 100 && x < 160) || (Math.abs(x - 154 + (y - 100) / 3) < 6 && y > 100 && y < 190)]
])) {
  test(`${name}: 20 pixels at its longer side, its centre of mass in the middle`, () => {
    const { width, height, x, y } = measure(pixelsOf(drawing(inked), SIZE))
    const longer = Math.max(width, height)
    assert.ok(longer >= 20 && longer <= 21, `${width} × ${height}`) // one more where the box does not begin with a pixel
    assert.ok(Math.abs(x - 14) < 0.2 && Math.abs(y - 14) < 0.2, `${x}, ${y}`)
  })
}

test('ink becomes grey by how much of a pixel it covers', () => {
  // A square of 200 × 200: scale 1/10, so 20 × 20 pixels of full ink.
  const square = pixelsOf(drawing((x, y) => x >= 40 && x < 240 && y >= 40 && y < 240), SIZE)
  assert.equal(square.filter((value) => value === 255).length, 400)
  // Every other line of it: half the ink.
  const { mass } = measure(pixelsOf(drawing((x, y) => x >= 40 && x < 240 && y >= 40 && y <= 240 && y % 2 === 0), SIZE))
  assert.ok(Math.abs(mass / (400 * 127.5) - 1) < 0.05, String(mass)) // sampled: a line more or less
})

test('what is far from its own centre of mass is not pushed out of the image', () => {
  const pixels = pixelsOf(drawing((x, y) => (x < 60 && y < 60) || (x < 4 && y < 280)), SIZE)
  const { height } = measure(pixels)
  assert.ok(height >= 20, String(height))
})

test('nothing drawn is nothing; tokens are grey levels and one', () => {
  assert.ok(pixelsOf(new Uint8Array(SIZE * SIZE), SIZE).every((value) => value === 0))
  assert.deepEqual([...tokensOf(Uint8Array.of(0, 1, 255))], [1, 2, 256])
})
