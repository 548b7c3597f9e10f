import { RunError, type Value } from 'ockham'
import { implicitQl } from './implicit-ql.js'
import { doubles, sizeOf } from './matrix.js'
import { columnsOf, tridiagonal } from './tridiagonal.js'

/**
 * Eigenvalues [n], ascending, and orthonormal eigenvectors [n, n], one a column, of a symmetric A [n, n], of which what is on or above the diagonal is read.
 * By rows, which is twice as fast as the library that does it by columns. Throws `OCK-LINALG-001`, and `OCK-LINALG-003` where A holds a number that is not finite.
 */
export function eigenSymmetric(a: Value): { values: Value; vectors: Value } {
  const n = sizeOf(a, 'eigenSymmetric')
  const data = doubles(a)
  if (!data.every(Number.isFinite))
    throw new RunError({ code: 'OCK-LINALG-003', what: `the matrix [${n}, ${n}] holds NaN or infinity`, where: 'eigenSymmetric' })
  // To the size of one, so that no square is too large or too small.
  let size = 0
  for (const x of data) size = Math.max(size, Math.abs(x))
  size ||= 1
  const reduced = tridiagonal(
    Float64Array.from(data, (x) => x / size),
    n,
  )
  const rows = columnsOf(reduced)
  implicitQl(reduced.diagonal, reduced.beside, rows)
  const found = reduced.diagonal
  const order = Array.from(found.keys()).sort((i, j) => found[i]! - found[j]!)
  const vectors = new Float64Array(n * n)
  order.forEach((row, column) => {
    for (let i = 0; i < n; i++) vectors[i * n + column] = rows[row * n + i]!
  })
  return {
    values: { shape: [n], dtype: 'float64', data: Float64Array.from(order, (i) => found[i]! * size) },
    vectors: { shape: [n, n], dtype: 'float64', data: vectors },
  }
}
