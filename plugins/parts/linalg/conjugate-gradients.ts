import type { Value } from 'ockham'
import { InputError } from 'ockham'
import { dot } from './kernel.js'
import { doubles, matrix } from './matrix.js'

/** A linear map of vectors [n]; it must not keep its argument. */
export type Operator = (v: Float64Array) => Float64Array

export interface Solved {
  readonly x: Value
  readonly iterations: number
  /** ‖b − A x‖ / ‖b‖ as the recurrence has it. */
  readonly residual: number
}

/**
 * x with A x = b for a symmetric positive definite operator A, by conjugate gradients with a preconditioner P ≈ A⁻¹ (the identity
 * where there is none). Hestenes and Stiefel 1952. Ends when the relative residual is below `tolerance` or after `iterations`; the
 * caller looks at `residual`. Throws `OCK-LINALG-004` where A turns out not to be positive definite.
 */
export function conjugateGradients(
  a: Operator,
  b: Value,
  {
    precondition = (v) => v.slice(),
    tolerance = 1e-10,
    iterations = 1000,
  }: { precondition?: Operator; tolerance?: number; iterations?: number } = {},
): Solved {
  const n = b.data.length
  const x = new Float64Array(n)
  const r = Float64Array.from(doubles(b))
  const size = Math.sqrt(dot(r, 0, r, 0, n))
  let z = precondition(r)
  const p = Float64Array.from(z)
  let rz = dot(r, 0, z, 0, n)
  let done = 0
  let residual = size === 0 ? 0 : 1
  while (residual > tolerance && done < iterations) {
    const ap = a(p)
    const curvature = dot(p, 0, ap, 0, n)
    if (!(curvature > 0))
      throw new InputError({
        code: 'OCK-LINALG-004',
        what: `a direction has curvature ${curvature}: the operator is not positive definite`,
        where: `conjugateGradients, iteration ${done}`,
        remedy: 'add to the diagonal, or check for NaN',
      })
    const step = rz / curvature
    for (let i = 0; i < n; i++) {
      x[i]! += step * p[i]!
      r[i]! -= step * ap[i]!
    }
    done++
    residual = Math.sqrt(dot(r, 0, r, 0, n)) / size
    z = precondition(r)
    const next = dot(r, 0, z, 0, n)
    const turn = next / rz
    rz = next
    for (let i = 0; i < n; i++) p[i] = z[i]! + turn * p[i]!
  }
  return { x: matrix([n], x), iterations: done, residual }
}
