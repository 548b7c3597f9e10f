import type { Value } from 'ockham'
import { matrix } from '../linalg/index.js'

/** x ↦ (x − low) / range, one number a feature. */
export interface Range {
  readonly low: Value
  readonly range: Value
}

/** The affine map that takes each column of x [n, d] onto [0, 1]; a constant column keeps its unit. */
export function fitRange(x: Value): Range {
  const [n, d] = [x.shape[0]!, x.data.length / x.shape[0]!]
  const low = new Float64Array(d).fill(Infinity)
  const high = new Float64Array(d).fill(-Infinity)
  for (let i = 0; i < n * d; i++) {
    low[i % d] = Math.min(low[i % d]!, x.data[i]!)
    high[i % d] = Math.max(high[i % d]!, x.data[i]!)
  }
  return {
    low: matrix([d], low),
    range: matrix(
      [d],
      high.map((h, j) => h - low[j]! || 1),
    ),
  }
}

export const unscaled = (d: number): Range => ({ low: matrix([d]), range: matrix([d], new Float64Array(d).fill(1)) })

/** Rows [n, d] in float64 under a range; inputs of several axes become one. */
export function scaledRows(x: Value, { low, range }: Range): Value {
  const d = low.data.length
  const n = x.shape[0]!
  return matrix(
    [n, d],
    Float64Array.from(x.data, (v, i) => (v - low.data[i % d]!) / range.data[i % d]!),
  )
}
