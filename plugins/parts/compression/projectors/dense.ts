import type { HostKey, Value } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { checkStored, floats, rowsOf, type Projector } from './projector.js'

/** Independent normal entries with variance 1/rows, so that a coordinate moves the parameters by about one: [rows, dim]. */
export function gaussian(key: HostKey, rows: number, dim: number): Value {
  const scale = 1 / Math.sqrt(rows)
  return floats(
    (key.normal([rows, dim]).data as Float32Array).map((z) => z * scale),
    [rows, dim],
  )
}

/** A x for a matrix Value [m, n], float64. */
export function timesVector({ shape, data }: Value, x: ArrayLike<number>): Float64Array {
  const [rows, columns] = shape as [number, number]
  const y = new Float64Array(rows)
  for (let i = 0; i < rows; i++) {
    let sum = 0
    for (let j = 0, at = i * columns; j < columns; j++, at++) sum += data[at]! * x[j]!
    y[i] = sum
  }
  return y
}

/** A w, traced: [m, n] [n] → [m]. */
export const timesVectorTraced = (a: Tensor, w: Tensor): Tensor => a.matMul(w.reshape([-1, 1])).reshape([-1])

/** The dense random projection of Li et al. 2018, "Measuring the intrinsic dimension of objective landscapes". Small models only. */
export const dense = (): Projector => ({
  init(key, params, dim) {
    const rows = rowsOf(params)
    checkStored(rows * dim, 'dense')
    return { matrix: gaussian(key, rows, dim) }
  },
  up: (parts, w) => timesVectorTraced(parts['matrix']!, w),
  apply: (parts, w) => timesVector(parts['matrix']!, w),
})
