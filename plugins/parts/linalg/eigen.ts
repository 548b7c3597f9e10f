import { RunError, type Value } from 'ockham'
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { doubles, sizeOf } from './matrix.js'

/**
 * Eigenvalues [n], ascending, and orthonormal eigenvectors [n, n], one a column, of a symmetric A [n, n]. By ml-matrix.
 * Throws `OCK-LINALG-001`, and `OCK-LINALG-003` where A holds a number that is not finite.
 */
export function eigenSymmetric(a: Value): { values: Value; vectors: Value } {
  const n = sizeOf(a, 'eigenSymmetric')
  const data = doubles(a)
  if (!data.every(Number.isFinite))
    throw new RunError({ code: 'OCK-LINALG-003', what: `the matrix [${n}, ${n}] holds NaN or infinity`, where: 'eigenSymmetric' })
  const found = new EigenvalueDecomposition(Matrix.from1DArray(n, n, data), { assumeSymmetric: true })
  return {
    values: { shape: [n], dtype: 'float64', data: Float64Array.from(found.realEigenvalues) },
    vectors: { shape: [n, n], dtype: 'float64', data: Float64Array.from(found.eigenvectorMatrix.to1DArray()) },
  }
}
