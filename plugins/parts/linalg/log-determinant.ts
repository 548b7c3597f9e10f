import type { Value } from 'ockham'
import { doubles, sizeOf } from './matrix.js'

/** log det A = 2 Σ log L_ii from the factor L [n, n] of A = L Lᵀ. Throws `OCK-LINALG-001`. */
export function logDeterminant(l: Value): number {
  const n = sizeOf(l, 'logDeterminant')
  const factor = doubles(l)
  let sum = 0
  for (let i = 0; i < n; i++) sum += Math.log(factor[i * n + i]!)
  return 2 * sum
}
