import type { Engine, Value } from 'ockham'
import { hostKey } from 'ockham'
import { blockProduct, cholesky, eigenSymmetric, inverseLower, matrix, transpose } from '../../parts/linalg/index.js'

/** A positive semi-definite matrix by eigenvectors, all of them or the leading ones. */
export interface Eigen {
  /** Of the vectors, [k]. */
  readonly values: Float64Array
  /** Orthonormal columns [n, k]. */
  readonly vectors: Value
  /** Of every direction across the vectors, where some are left out: their mean, which keeps the trace. */
  readonly rest: number
}

const rounds = 3

/** Whether a matrix of this size is known by leading directions alone: where they are less than a third of all. */
export const isLarge = (size: number, directions: number): boolean => size > 3 * directions

const clamped = (values: ArrayLike<number>): Float64Array => Float64Array.from(values, (l) => Math.max(0, l))

export function eigenWhole(a: Value): Eigen {
  const { values, vectors } = eigenSymmetric(a)
  return { values: clamped(values.data), vectors, rest: 0 }
}

/** Columns of y [n, k] made orthonormal by the factor of their products, twice, since the first pass loses half of the digits. */
async function orthonormal(engine: Engine, y: Value): Promise<Value> {
  let q = y
  for (let pass = 0; pass < 2; pass++) {
    const products = await blockProduct(engine, q, q, { left: true })
    const k = products.shape[0]!
    const data = Float64Array.from(products.data)
    // Columns without length of their own would have no factor.
    let trace = 0
    for (let i = 0; i < k; i++) trace += data[i * k + i]!
    for (let i = 0; i < k; i++) data[i * k + i]! += (pass === 0 ? 1e-13 : 0) * trace
    q = await blockProduct(engine, q, transpose(inverseLower(cholesky(matrix([k, k], data), 'laplace'))))
  }
  return q
}

/** The leading directions by subspace iteration from a fixed start (Halko, Martinsson and Tropp 2011), and the mean of what is left. */
export async function eigenLeading(engine: Engine, a: Value, k: number): Promise<Eigen> {
  const n = a.shape[0]!
  let q = await orthonormal(engine, await blockProduct(engine, a, matrix([n, k], hostKey(0).fold('subspace').normal([n, k]).data)))
  for (let round = 1; round < rounds; round++) q = await orthonormal(engine, await blockProduct(engine, a, q))
  const inside = await blockProduct(engine, q, await blockProduct(engine, a, q), { left: true })
  const { data } = inside
  const symmetric = matrix(
    [k, k],
    Float64Array.from(data, (v, i) => (v + data[(i % k) * k + Math.floor(i / k)]!) / 2),
  )
  const { values, vectors } = eigenSymmetric(symmetric)
  let trace = 0
  for (let i = 0; i < n; i++) trace += a.data[i * n + i]!
  const kept = clamped(values.data)
  const rest = Math.max(0, (trace - kept.reduce((s, v) => s + v, 0)) / (n - k))
  return { values: kept, vectors: await blockProduct(engine, q, vectors), rest }
}
