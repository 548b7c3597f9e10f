import type { Value } from 'ockham'
import { cholesky } from './cholesky.js'
import { divideRow, subtractRows } from './kernel.js'
import { doubles, extentOf, sizeOf } from './matrix.js'

/** Right-hand sides are solved in strips of this many columns, packed, so that a strip stays in the cache. */
const strip = 64

/** Solves for each strip of B's columns in place of a copy. */
function inStrips(
  l: Value,
  b: Value,
  where: string,
  solve: (x: Float64Array, width: number, factor: Float64Array, n: number) => void,
): Value {
  const n = sizeOf(l, where)
  const [, columns] = extentOf(b, where, n)
  const data = Float64Array.from(doubles(b))
  const factor = doubles(l)
  for (let at = 0; at < columns; at += strip) {
    const width = Math.min(strip, columns - at)
    const x = new Float64Array(n * width)
    for (let i = 0; i < n; i++) x.set(data.subarray(i * columns + at, i * columns + at + width), i * width)
    solve(x, width, factor, n)
    for (let i = 0; i < n; i++) data.set(x.subarray(i * width, (i + 1) * width), i * columns + at)
  }
  return { shape: b.shape, dtype: 'float64', data }
}

/** X with L X = B, for a lower triangular L [n, n] and B [n, k] or [n]. Throws `OCK-LINALG-001`. */
export const solveLower = (l: Value, b: Value): Value =>
  inStrips(l, b, 'solveLower', (x, width, factor, n) => {
    for (let i = 0; i < n; i++) {
      subtractRows(x, width, i, [0, i], factor, i * n, 1)
      divideRow(x, width, i, factor[i * n + i]!)
    }
  })

/** X with Lᵀ X = B, for a lower triangular L [n, n] and B [n, k] or [n]. Throws `OCK-LINALG-001`. */
export const solveLowerTransposed = (l: Value, b: Value): Value =>
  inStrips(l, b, 'solveLowerTransposed', (x, width, factor, n) => {
    for (let i = n - 1; i >= 0; i--) {
      subtractRows(x, width, i, [i + 1, n], factor, i, n)
      divideRow(x, width, i, factor[i * n + i]!)
    }
  })

/** A⁻¹ B from the factor L of A = L Lᵀ. Throws `OCK-LINALG-001`. */
export const solveFactored = (l: Value, b: Value): Value => solveLowerTransposed(l, solveLower(l, b))

/** A⁻¹ B for a symmetric positive definite A [n, n] and B [n, k] or [n]. Throws `OCK-LINALG-001`, `OCK-LINALG-002`. */
export const solveSpd = (a: Value, b: Value): Value => solveFactored(cholesky(a, 'solveSpd'), b)
