import type { Value } from 'ockham'
import { cholesky } from './cholesky.js'
import type { Operator } from './conjugate-gradients.js'
import { outerGram } from './gram.js'
import { dot } from './kernel.js'
import { matrix } from './matrix.js'
import { solveFactored } from './solve.js'

/** A Cholesky factor of low rank. */
export interface Pivoted {
  /** L [n, k] with A ≈ L Lᵀ. */
  readonly factor: Value
  /** Rows in the order in which they were taken. */
  readonly pivots: readonly number[]
  /** Diagonal of A − L Lᵀ [n]. */
  readonly left: Float64Array
}

/**
 * The Cholesky factor of a positive semi-definite A of `rank` columns, taking the row with the largest remaining diagonal each time
 * (Harbrecht et al. 2012); ends early where nothing above `tolerance` is left. `row(i)` gives row i of A; A is never formed.
 */
export function pivotedCholesky(diagonal: Float64Array, row: (i: number) => Float64Array, rank: number, tolerance = 1e-12): Pivoted {
  const n = diagonal.length
  const left = Float64Array.from(diagonal)
  const most = left.reduce((a, b) => Math.max(a, b), 0)
  const columns: Float64Array[] = []
  const pivots: number[] = []
  while (columns.length < Math.min(rank, n)) {
    let pivot = 0
    for (let i = 1; i < n; i++) if (left[i]! > left[pivot]!) pivot = i
    if (!(left[pivot]! > tolerance * most)) break
    const column = Float64Array.from(row(pivot))
    for (const c of columns) for (let i = 0, f = c[pivot]!; i < n; i++) column[i]! -= f * c[i]!
    const scale = 1 / Math.sqrt(left[pivot]!)
    for (let i = 0; i < n; i++) {
      column[i]! *= scale
      left[i] = Math.max(0, left[i]! - column[i]! * column[i]!)
    }
    left[pivot] = 0
    columns.push(column)
    pivots.push(pivot)
  }
  const k = columns.length
  const data = new Float64Array(n * k)
  columns.forEach((c, j) => c.forEach((v, i) => (data[i * k + j] = v)))
  return { factor: matrix([n, k], data), pivots, left }
}

/** (L Lᵀ + diag(noise))⁻¹ as an operator, by Woodbury's identity: the preconditioner of a kernel matrix with noise. */
export function woodbury(factor: Value, noise: Float64Array): Operator {
  const [n, k] = factor.shape as [number, number]
  const l = factor.data as Float64Array
  const inner = cholesky(outerGram(factor, { ridge: 1, weights: noise.map((v) => 1 / v) }), 'woodbury')
  return (v) => {
    const scaled = v.map((x, i) => x / noise[i]!)
    const projected = new Float64Array(k)
    for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) projected[j]! += l[i * k + j]! * scaled[i]!
    const solved = solveFactored(inner, matrix([k], projected)).data as Float64Array
    for (let i = 0; i < n; i++) scaled[i]! -= dot(l, i * k, solved, 0, k) / noise[i]!
    return scaled
  }
}
