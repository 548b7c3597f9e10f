import type { HostKey, Value } from 'ockham'
import { eigenSymmetric } from './eigen.js'
import { dot } from './kernel.js'
import { matrix } from './matrix.js'
import type { Operator } from './conjugate-gradients.js'

/** A symmetric operator seen in a Krylov space. */
export interface Tridiagonal {
  /** Diagonal [k] and the one beside it [k − 1]. */
  readonly diagonal: Float64Array
  readonly beside: Float64Array
  /** Orthonormal rows Q [k, n] with Q A Qᵀ tridiagonal. */
  readonly basis: Value
}

/**
 * Lanczos' recurrence from `start` with full reorthogonalisation, `steps` products with A, fewer where the space is exhausted. It yields each q and
 * is sent A q, which may come from elsewhere and later.
 */
export function* lanczosSteps(start: Float64Array, steps: number): Generator<Float64Array, Tridiagonal, ArrayLike<number>> {
  const n = start.length
  const size = Math.sqrt(dot(start, 0, start, 0, n))
  let q = start.map((v) => v / size)
  const rows: Float64Array[] = []
  const diagonal: number[] = []
  const beside: number[] = []
  while (rows.length < Math.min(steps, n)) {
    rows.push(q)
    const v = Float64Array.from(yield q)
    diagonal.push(dot(q, 0, v, 0, n))
    // Twice is enough (Parlett): what the first pass leaves is rounding.
    for (let pass = 0; pass < 2; pass++) for (const row of rows) for (let i = 0, f = dot(row, 0, v, 0, n); i < n; i++) v[i]! -= f * row[i]!
    const norm = Math.sqrt(dot(v, 0, v, 0, n))
    if (!(norm > 1e-12 * Math.abs(diagonal[0]!))) break
    if (rows.length < Math.min(steps, n)) beside.push(norm)
    q = v.map((x) => x / norm)
  }
  const data = new Float64Array(rows.length * n)
  rows.forEach((row, k) => data.set(row, k * n))
  return { diagonal: Float64Array.from(diagonal), beside: Float64Array.from(beside), basis: matrix([rows.length, n], data) }
}

/** {@link lanczosSteps} with a known operator. */
export function lanczos(a: Operator, start: Float64Array, steps: number): Tridiagonal {
  const recurrence = lanczosSteps(start, steps)
  let turn = recurrence.next()
  while (!turn.done) turn = recurrence.next(a(turn.value))
  return turn.value
}

/** Eigenvalues, ascending, and eigenvectors [k, k], one a column, of a tridiagonal matrix. */
export function eigenTridiagonal({ diagonal, beside }: Pick<Tridiagonal, 'diagonal' | 'beside'>): { values: Value; vectors: Value } {
  const k = diagonal.length
  const data = new Float64Array(k * k)
  diagonal.forEach((d, i) => (data[i * k + i] = d))
  beside.forEach((b, i) => (data[i * k + i + 1] = data[(i + 1) * k + i] = b))
  return eigenSymmetric(matrix([k, k], data))
}

/**
 * log det A ≈ mean over Rademacher probes z of n · Σ_j τ_j² log θ_j, with θ the Ritz values from z and τ the first entries of their
 * vectors: stochastic Lanczos quadrature, Ubaru, Chen and Saad 2017.
 */
export function logDeterminantStochastic(a: Operator, n: number, key: HostKey, { probes = 10, steps = 20 } = {}): number {
  let sum = 0
  for (let p = 0; p < probes; p++) {
    const z = Float64Array.from(key.fold(p).bernoulli(0.5, [n]).data, (b) => 2 * b - 1)
    const t = lanczos(a, z, steps)
    const { values, vectors } = eigenTridiagonal(t)
    values.data.forEach((theta, j) => (sum += n * vectors.data[j]! * vectors.data[j]! * Math.log(theta)))
  }
  return sum / probes
}
