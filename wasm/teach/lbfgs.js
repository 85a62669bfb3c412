/**
 * L-BFGS: the minimum of a smooth convex function of many variables, from its values and gradients.
 *
 * Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5. The step is halved until the value falls enough
 * (Armijo); for the convex functions here the curvature condition then holds, and a pair that breaks it is left out.
 */

/** Pairs of differences that are kept. */
const HISTORY = 5
const SUFFICIENT_DECREASE = 1e-4
const HALVINGS = 40

/** @param {Float64Array} a @param {Float64Array} b @returns {number} */
function dot(a, b) {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** y += factor x. @param {Float64Array} y @param {number} factor @param {Float64Array} x */
function add(y, factor, x) {
  for (let i = 0; i < y.length; i++) y[i] += factor * x[i]
}

/**
 * @param {(x: Float64Array, gradient: Float64Array) => number} evaluate the value at x; writes the gradient
 * @param {Float64Array} x the start; becomes the minimum
 * @param {object} options
 * @param {number} options.tolerance ends when no entry of the gradient is larger
 * @param {number} [options.decrease] ends when the value falls by a smaller share of itself
 * @param {number} [options.iterations] ends after so many
 * @param {(x: Float64Array) => void} [options.precondition] multiplies, in place, by about the inverse of the Hessian; default:
 *   by nothing
 * @param {() => Promise<void>} options.pause taken before each evaluation; throws to stop
 * @returns {Promise<{ value: number, iterations: number }>}
 */
export async function minimise(evaluate, x, { tolerance, decrease = 0, iterations = 1000, precondition = () => {}, pause }) {
  const n = x.length
  let gradient = new Float64Array(n)
  await pause()
  let value = evaluate(x, gradient)
  /** @type {{ s: Float64Array, y: Float64Array, rho: number }[]} differences of x and of the gradient, the oldest first */
  const pairs = []
  const direction = new Float64Array(n)
  const scaled = new Float64Array(n)
  let scale = 1
  const alpha = new Float64Array(HISTORY)
  let next = new Float64Array(n)
  let nextGradient = new Float64Array(n)
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (gradient.every((entry) => Math.abs(entry) <= tolerance)) return { value, iterations: iteration }
    direction.set(gradient)
    for (let i = pairs.length - 1; i >= 0; i--) {
      alpha[i] = pairs[i].rho * dot(pairs[i].s, direction)
      add(direction, -alpha[i], pairs[i].y)
    }
    precondition(direction)
    for (let i = 0; i < n; i++) direction[i] *= scale
    for (let i = 0; i < pairs.length; i++) {
      add(direction, alpha[i] - pairs[i].rho * dot(pairs[i].y, direction), pairs[i].s)
    }
    const before = value
    const slope = -dot(gradient, direction)
    let step = 1
    let nextValue = value
    let halvings = 0
    for (; halvings < HALVINGS; halvings++, step /= 2) {
      for (let i = 0; i < n; i++) next[i] = x[i] - step * direction[i]
      await pause()
      nextValue = evaluate(next, nextGradient)
      if (nextValue <= value + SUFFICIENT_DECREASE * step * slope) break
    }
    // Rounding hides any further decrease: this is the minimum, as far as numbers tell.
    if (halvings === HALVINGS) return { value, iterations: iteration }
    const pair = pairs.length === HISTORY
      ? /** @type {{ s: Float64Array, y: Float64Array, rho: number }} */ (pairs.shift())
      : { s: new Float64Array(n), y: new Float64Array(n), rho: 0 }
    for (let i = 0; i < n; i++) {
      pair.s[i] = next[i] - x[i]
      pair.y[i] = nextGradient[i] - gradient[i]
    }
    const curvature = dot(pair.s, pair.y)
    if (curvature > 1e-12 * dot(pair.y, pair.y)) {
      pair.rho = 1 / curvature
      scaled.set(pair.y)
      precondition(scaled)
      scale = curvature / dot(pair.y, scaled)
      pairs.push(pair)
    }
    x.set(next)
    value = nextValue
    const old = gradient
    gradient = nextGradient
    nextGradient = old
    if (before - value < decrease * Math.abs(before)) return { value, iterations: iteration + 1 }
  }
  return { value, iterations }
}
