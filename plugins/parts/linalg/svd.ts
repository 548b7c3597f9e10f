import { RunError, type Value } from 'ockham'
import { Matrix, SingularValueDecomposition } from 'ml-matrix'
import { doubles, extentOf, matrix } from './matrix.js'

/** A = U diag(s) Vᵀ. */
export interface Svd {
  /** [n, r], r the smaller of n and k. */
  readonly u: Value
  /** Descending, [r]. */
  readonly s: Value
  /** [k, r]. */
  readonly v: Value
}

/** The thin singular value decomposition of A [n, k]. By ml-matrix. Throws `OCK-LINALG-001`, `OCK-LINALG-003`. */
export function svd(a: Value): Svd {
  const [n, k] = extentOf(a, 'svd')
  const data = doubles(a)
  if (!data.every(Number.isFinite))
    throw new RunError({ code: 'OCK-LINALG-003', what: `the matrix [${n}, ${k}] holds NaN or infinity`, where: 'svd' })
  const found = new SingularValueDecomposition(Matrix.from1DArray(n, k, data), { autoTranspose: true })
  const r = Math.min(n, k)
  const columns = (m: Matrix): Value => matrix([m.rows, r], m.subMatrix(0, m.rows - 1, 0, r - 1).to1DArray())
  return {
    u: columns(found.leftSingularVectors),
    s: matrix([r], found.diagonal.slice(0, r)),
    v: columns(found.rightSingularVectors),
  }
}
