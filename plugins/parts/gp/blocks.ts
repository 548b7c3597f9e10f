import type { Process, Value, Values } from 'ockham'
import { matrix } from '../linalg/index.js'
import type { Observed } from './dirichlet.js'

/** Rows looked at at once where there are many: a kernel's own tables are then a small share of the memory. */
const blockRows = 512
const whole = 1500

/** Rows [from, to) of x, x itself where these are all. */
const rowsOf = (x: Value, from: number, to: number): Value => {
  const [n, d] = x.shape as [number, number]
  return from === 0 && to === n ? x : matrix([to - from, d], Float64Array.from(x.data.slice(from * d, to * d)))
}

/** Pairs of blocks of x's rows, each unordered pair once; the same Value twice on the diagonal. */
export function* blocks(x: Value): Generator<{ readonly top: number; readonly left: number; readonly a: Value; readonly b: Value }> {
  const n = x.shape[0]!
  const size = n <= whole ? n : blockRows
  for (let top = 0; top < n; top += size) {
    const a = rowsOf(x, top, Math.min(n, top + size))
    for (let left = 0; left < top; left += size) yield { top, left, a, b: rowsOf(x, left, left + size) }
    yield { top, left: top, a, b: a }
  }
}

/** Covariance of x [n, d] with itself, [n, n]: the lower triangle; above it only what a block on the diagonal holds. */
export function lowerCovariance(process: Process, hyper: Values, x: Value): Float64Array {
  const n = x.shape[0]!
  const all = new Float64Array(n * n)
  for (const { top, left, a, b } of blocks(x)) {
    const k = process.covariance(hyper, a, b).data as Float64Array
    const [height, width] = [a.shape[0]!, b.shape[0]!]
    for (let i = 0; i < height; i++) all.set(k.subarray(i * width, (i + 1) * width), (top + i) * n + left)
  }
  return all
}

/** Σ = K + diag(noise) + τ I, written over K. */
export function noisy(k: Float64Array, noise: Float64Array, extra: number): Float64Array {
  for (let i = 0, n = noise.length; i < n; i++) k[i * n + i]! += noise[i]! + extra
  return k
}

/** Lower triangles of the noisy covariances, an output after the other. K itself becomes the last: it is never held beside all of them. */
export function* noisyCovariances(
  process: Process,
  hyper: Values,
  extra: Float64Array,
  x: Value,
  observed: readonly Observed[],
): Generator<Float64Array> {
  const k = lowerCovariance(process, hyper, x)
  const last = observed.length - 1
  for (let c = 0; c < last; c++) yield noisy(Float64Array.from(k), observed[c]!.noise, extra[c]!)
  yield noisy(k, observed[last]!.noise, extra[last]!)
}
