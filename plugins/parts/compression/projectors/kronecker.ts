import type { HostKey, Value } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { gaussian, timesVector, timesVectorTraced } from './dense.js'
import { orthonormal } from './orthonormal.js'
import { permutationInit, permuted, permutedOnHost } from './permutation.js'
import { checkStored, floats, rowsOf, type Projector } from './projector.js'

/** (A ⊗ B) vec(W) = vec(A W Bᵀ), row-major; A [k, q], B [k, q], W [q, q] → [k²]. */
function product(a: Value, b: Value, w: ArrayLike<number>): Float64Array {
  const [k, q] = a.shape as [number, number]
  const inner = new Float64Array(k * q)
  for (let i = 0; i < k; i++)
    for (let r = 0; r < q; r++) {
      const scale = a.data[i * q + r]!
      for (let c = 0; c < q; c++) inner[i * q + c]! += scale * (w[r * q + c] ?? 0)
    }
  const y = new Float64Array(k * k)
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) {
      let sum = 0
      for (let c = 0; c < q; c++) sum += inner[i * q + c]! * b.data[j * q + c]!
      y[i * k + j] = sum
    }
  return y
}

const productTraced = (a: Tensor, b: Tensor, w: Tensor): Tensor => {
  const q = a.shape[1]!
  return a
    .matMul(w.reshape([q, q]))
    .matMul(b, false, true)
    .reshape([-1])
}

const padded = (x: Tensor, size: number): Tensor => (x.size === size ? x : tf.pad(x, [[0, size - x.size]]))

/**
 * Kronecker product of two orthonormal factors [k, q], k = ⌊√rows⌋ and q = ⌈√dim⌉, of which the first dim columns are used, and a random
 * permutation of the parameters (Lotfi et al. 2022, with QR). Columns are exactly orthonormal and no coordinate is wasted; the rows − k²
 * parameters left over stay where they start.
 */
export const kronecker = (): Projector => ({
  init(key, params, dim) {
    const rows = rowsOf(params)
    const k = Math.floor(Math.sqrt(rows))
    const q = Math.ceil(Math.sqrt(dim))
    checkColumns(k, q)
    const factor = (name: string): Value => floats(Float32Array.from(orthonormal(key.fold(name), k, q)), [k, q])
    return { a: factor('a'), b: factor('b'), ...permutationInit(key.fold('order'), rows) }
  },
  up(parts, w) {
    const q = parts['a']!.shape[1]!
    const main = productTraced(parts['a']!, parts['b']!, padded(w, q * q))
    return permuted(parts, padded(main, parts['order']!.size))
  },
  apply(parts, w) {
    const y = new Float64Array(parts['order']!.data.length)
    y.set(product(parts['a']!, parts['b']!, w))
    return permutedOnHost(parts, y)
  },
})

/** Sizes of the rounded double Kronecker projector: factors [k, q], and the block [rows − k², dim − q²] that is left over. */
export function roundedSizes(
  rows: number,
  dim: number,
): { readonly k: number; readonly q: number; readonly left: readonly [number, number] } {
  const [k, q] = [Math.floor(Math.sqrt(rows)), Math.floor(Math.sqrt(dim))]
  return { k, q, left: [rows - k * k, dim - q * q] }
}

/**
 * The rounded double Kronecker projector: factors [k, q] of k = ⌊√rows⌋ and q = ⌊√dim⌋, normal (variance 1/k) or orthonormal, on the first q²
 * coordinates; a dense block that maps the other coordinates to the parameters left over; a random permutation of the parameters. Coordinates
 * beyond q² reach few parameters: choose a square dim, or `kronecker`.
 */
export const roundedKronecker = ({ orthonormal: exact }: { readonly orthonormal: boolean }): Projector => ({
  init(key, params, dim) {
    const rows = rowsOf(params)
    const { k, q, left } = roundedSizes(rows, dim)
    checkColumns(k, q)
    checkStored(left[0] * left[1], 'rounded-kronecker')
    const factor = (of: HostKey): Value => (exact ? floats(Float32Array.from(orthonormal(of, k, q)), [k, q]) : gaussian(of, k, q))
    return {
      a: factor(key.fold('a')),
      b: factor(key.fold('b')),
      ...(left[0] > 0 && left[1] > 0 && { left: gaussian(key.fold('left'), left[0], left[1]) }),
      ...permutationInit(key.fold('order'), rows),
    }
  },
  up(parts, w) {
    const rows = parts['order']!.size
    const [k, q] = parts['a']!.shape as [number, number]
    const main = productTraced(parts['a']!, parts['b']!, w.slice([0], [q * q]))
    const left = parts['left'] && timesVectorTraced(parts['left'], w.slice([q * q], [w.size - q * q]))
    return permuted(parts, left ? tf.concat([main, left]) : padded(main, Math.max(rows, k * k)))
  },
  apply(parts, w) {
    const q = parts['a']!.shape[1]!
    const all = Float64Array.from(w)
    const y = new Float64Array(parts['order']!.data.length)
    const main = product(parts['a']!, parts['b']!, all.subarray(0, q * q))
    y.set(main)
    if (parts['left']) y.set(timesVector(parts['left'], all.subarray(q * q)), main.length)
    return permutedOnHost(parts, y)
  },
})

/** Factors have at least as many rows as columns. Errors: `OCK-MODEL-011`. */
function checkColumns(k: number, q: number): void {
  if (q <= k) return
  throw new InputError({
    code: 'OCK-MODEL-011',
    what: `the subspace has more coordinates (about ${q * q}) than the model has parameters (about ${k * k})`,
    where: 'model.dim',
    remedy: 'choose a smaller dim or a larger model',
  })
}
