import { OckhamError, RunError } from 'ockham'
import { choleskyJittered, inverseFactored, matrix } from '../../parts/linalg/index.js'

/**
 * Inverse of a symmetric positive definite matrix [n, n] by its Cholesky factor, float64; the lower triangle is read.
 * Where that fails, jitter is added to the diagonal, ten times more until it works, with a warning. Errors:
 * `OCK-ENGINE-020` where a hundredth of the mean diagonal does not help either.
 */
export function inverseSpd(a: Float64Array, n: number, warn: (message: string) => void): Float64Array {
  try {
    const { factor, jitter } = choleskyJittered(matrix([n, n], a))
    if (jitter > 0) warn(`a matrix [${n}, ${n}] was not positive definite; inverted with jitter ${jitter.toExponential(1)} on its diagonal`)
    return inverseFactored(factor).data as Float64Array
  } catch (cause) {
    if (!(cause instanceof OckhamError)) throw cause
    throw new RunError(
      {
        code: 'OCK-ENGINE-020',
        what: `a matrix [${n}, ${n}] is not positive definite, even with jitter on its diagonal`,
        remedy: 'check its entries: it may hold NaN, or have a large negative eigenvalue',
      },
      { cause },
    )
  }
}
