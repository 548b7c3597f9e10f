import type { Value } from 'ockham'
import { cholesky } from './cholesky.js'
import { transpose } from './gram.js'
import { addProduct, dot } from './kernel.js'
import { doubles, sizeOf } from './matrix.js'

const width = 48

/** U = L⁻ᵀ [n, n], upper triangular, so that row i is column i of L⁻¹. */
function inverseTransposed(l: Float64Array, n: number): Float64Array {
  const u = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    u[i * n + i] = 1 / l[i * n + i]!
    for (let j = i + 1; j < n; j++) u[i * n + j] = -dot(l, j * n + i, u, i * n + i, j - i) / l[j * n + j]!
  }
  return u
}

/** A⁻¹ [n, n] from the factor L of A = L Lᵀ, exactly symmetric. Throws `OCK-LINALG-001`. */
export function inverseFactored(l: Value): Value {
  const n = sizeOf(l, 'inverse')
  const u = inverseTransposed(doubles(l), n)
  const out = new Float64Array(n * n)
  const block = (data: Float64Array, i: number, j: number) => ({ data, at: i * n + j, stride: n })
  // A⁻¹ = U Uᵀ, and row i of U begins at column i: bands of rows need no column left of their first.
  for (let i = 0; i < n; i += width) {
    const rows = Math.min(width, n - i)
    for (let j = 0; j <= i; j += width) addProduct(block(out, i, j), block(u, i, i), block(u, j, i), rows, Math.min(width, n - j), n - i, 1)
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j]!
  return { shape: [n, n], dtype: 'float64', data: out }
}

/** L⁻¹ [n, n] of a lower triangular L [n, n]. Throws `OCK-LINALG-001`. */
export function inverseLower(l: Value): Value {
  const n = sizeOf(l, 'inverse')
  return transpose({ shape: [n, n], dtype: 'float64', data: inverseTransposed(doubles(l), n) })
}

/** A⁻¹ [n, n] of a symmetric positive definite A [n, n], exactly symmetric. Throws `OCK-LINALG-001`, `OCK-LINALG-002`. */
export const inverseSpd = (a: Value): Value => inverseFactored(cholesky(a, 'inverse'))
