/**
 * From a drawing to the 784 pixels that the model of digits reads. The images that it learned from were made the same way (MNIST): the
 * ink is cut out, made to fit 20 × 20 pixels, and laid into 28 × 28 so that its centre of mass is in the middle.
 */

export const SIDE = 28
const INSIDE = 20

/**
 * Where the ink goes.
 *
 * @param {Uint8ClampedArray | Uint8Array} ink [size, size] of the drawing, 0 to 255
 * @param {number} size
 * @returns {{ left: number, top: number, width: number, height: number, scale: number, x: number, y: number } | undefined} the box of
 *   the ink, and its scale and place in 28 × 28; undefined if there is none
 */
export function placeOf(ink, size) {
  let [left, top, right, bottom] = [size, size, -1, -1]
  let [mass, across, down] = [0, 0, 0]
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const value = ink[y * size + x]
      if (value === 0) continue
      ;[left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)]
      mass += value
      across += value * (x + 0.5)
      down += value * (y + 0.5)
    }
  }
  if (right < 0) return undefined
  const [width, height] = [right - left + 1, bottom - top + 1]
  const scale = INSIDE / Math.max(width, height)
  const fit = (/** @type {number} */ at, /** @type {number} */ length) => Math.min(SIDE - length, Math.max(0, at)) // a far-off centre must not push ink out
  return {
    left, top, width, height, scale,
    x: fit(SIDE / 2 - scale * (across / mass - left), scale * width), y: fit(SIDE / 2 - scale * (down / mass - top), scale * height)
  }
}

/**
 * The drawing made smaller: each pixel is the mean of the ink that it covers.
 *
 * @param {Uint8ClampedArray | Uint8Array} ink [size, size]
 * @param {number} size
 * @returns {Uint8Array} [28, 28] 0 to 255
 */
export function pixelsOf(ink, size) {
  const pixels = new Uint8Array(SIDE * SIDE)
  const place = placeOf(ink, size)
  if (place === undefined) return pixels
  const { left, top, scale, x: atX, y: atY } = place
  const samples = Math.max(1, Math.ceil(1 / scale)) // for each side of a pixel
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      let sum = 0
      for (let i = 0; i < samples * samples; i++) {
        const fromX = Math.floor(left + (x + ((i % samples) + 0.5) / samples - atX) / scale)
        const fromY = Math.floor(top + (y + (Math.floor(i / samples) + 0.5) / samples - atY) / scale)
        if (fromX >= 0 && fromX < size && fromY >= 0 && fromY < size) sum += ink[fromY * size + fromX]
      }
      pixels[y * SIDE + x] = Math.round(sum / samples ** 2)
    }
  }
  return pixels
}

/** Grey level g is token g + 1: token 0 is the separator. @param {Uint8Array} pixels @returns {Uint16Array} */
export const tokensOf = (pixels) => Uint16Array.from(pixels, (level) => level + 1)
