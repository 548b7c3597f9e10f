import type { Engine, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { leavesDeterminant, matrix, tracedInverse, type Quartered } from '../linalg/index.js'
import { inner } from './kernels/kernel.js'

/** One output: residuals t − m and the whole of the noise, [n] each. */
export interface Residual {
  readonly residual: Float64Array
  readonly noise: Float64Array
}

/** What the evidence of outputs comes to before derivatives in the covariance. */
export interface Terms {
  /** Log marginal likelihood of each output, nats. */
  readonly values: readonly number[]
  /** Σ⁻¹ r of each output. */
  readonly alphas: readonly Float64Array[]
  /** tr Σ⁻¹ of each output. */
  readonly traces: readonly number[]
  /** Largest ‖r − Σα‖ / ‖r‖ after one refinement: how far the inverses can be trusted. */
  readonly error: number
}

/** Rows of a half. */
export const half = (a: Tensor, k: number): Tensor => tf.slice(a, [(k * a.shape[0]) / 2, 0], [a.shape[0] / 2, a.shape[1]!])

/** Q b, for a symmetric matrix by its quarters. */
export const times = ({ first, across, second }: Quartered, b: Tensor): Tensor =>
  tf.concat(
    [
      tf.matMul(first, half(b, 0)).add(tf.matMul(across, half(b, 1))),
      tf.matMul(across, half(b, 0), true, false).add(tf.matMul(second, half(b, 1))),
    ],
    0,
  )

const diagonalOf = (a: Tensor): Tensor => {
  const m = a.shape[0]
  return tf.gather(a.reshape([m * m]), tf.range(0, m, 1, 'int32').mul(tf.scalar(m + 1, 'int32')))
}

/** Inside a traced function of double precision: α and Σ⁻¹ = (K + diag noise)⁻¹ of every output, `residual` and `noise` being [n, outputs]. */
export interface Solved {
  /** By output. */
  readonly inverses: readonly Quartered[]
  /** [n, outputs]. */
  readonly alpha: Tensor
  /** Diagonals of the inverses, [n, outputs]. */
  readonly diagonal: Tensor
  /** See `leavesDeterminant`: those of one output after those of another. */
  readonly leaves: Tensor
}

/** `inverted` and `applied` are K; two, so that it may be made twice where keeping it between its uses would be most of the memory. */
export function solved(engine: Engine, inverted: Quartered, applied: Quartered, residual: Tensor, noise: Tensor): Solved {
  const [n, outputs] = residual.shape as [number, number]
  const leaves: Tensor[] = []
  const inverses = Array.from({ length: outputs }, (_, c) =>
    tracedInverse(engine, inverted, tf.slice(noise, [0, c], [n, 1]).reshape([n]), leaves),
  )
  const through = (r: Tensor): Tensor =>
    tf.concat(
      inverses.map((inverse, c) => times(inverse, tf.slice(r, [0, c], [n, 1]))),
      1,
    )
  // One step of refinement: inverses by halves lose digits that α must not.
  const rough = through(residual)
  return {
    inverses,
    alpha: rough.add(through(residual.sub(times(applied, rough)).sub(noise.mul(rough)))),
    diagonal: tf.stack(
      inverses.map(({ first, second }) => tf.concat([diagonalOf(first), diagonalOf(second)], 0)),
      1,
    ),
    leaves: tf.stack(leaves),
  }
}

/** The sum of matrices by their quarters. */
export const summed = (parts: readonly Quartered[]): Quartered =>
  parts.reduce((a, b) => ({ first: a.first.add(b.first), across: a.across.add(b.across), second: a.second.add(b.second) }))

/** Columns of n numbers as a table of more rows, the rest filled. */
export function table(columns: readonly Float64Array[], rows: number, fill: number): Value {
  const data = new Float64Array(rows * columns.length).fill(fill)
  columns.forEach((column, c) => column.forEach((v, i) => (data[i * columns.length + c] = v)))
  return matrix([rows, columns.length], data)
}

/** Residuals and noise of outputs, padded with rows that are the identity: residual 0, noise 1. */
export const padded = (outputs: readonly Residual[], rows: number): Record<'residual' | 'noise', Value> => ({
  residual: table(
    outputs.map((o) => o.residual),
    rows,
    0,
  ),
  noise: table(
    outputs.map((o) => o.noise),
    rows,
    1,
  ),
})

const length = (v: Float64Array): number => Math.sqrt(inner(v, v))

/** The terms from what a program found; `missed` [rows, outputs] is r − Σα. Throws `OCK-LINALG-002` where a covariance is not positive definite. */
export function termsOf(found: Record<'alpha' | 'missed' | 'diagonal' | 'leaves', Value>, outputs: readonly Residual[]): Terms {
  const count = outputs.length
  const n = outputs[0]!.residual.length
  const column = (v: Value, c: number): Float64Array => Float64Array.from({ length: n }, (_, i) => v.data[i * count + c]!)
  const alphas = outputs.map((_, c) => column(found.alpha, c))
  const [all, ...leaf] = found.leaves.shape as [number, number, number]
  const each = all / count
  const size = leaf[0] * leaf[1]
  return {
    alphas,
    traces: outputs.map((_, c) => column(found.diagonal, c).reduce((a, b) => a + b, 0)),
    values: outputs.map(({ residual }, c) => {
      const own = (found.leaves.data as Float64Array).subarray(c * each * size, (c + 1) * each * size)
      const determinant = leavesDeterminant(matrix([each, ...leaf], own), 'evidence')
      return -0.5 * (inner(residual, alphas[c]!) + determinant + n * Math.log(2 * Math.PI))
    }),
    error: Math.max(...outputs.map(({ residual }, c) => length(column(found.missed, c)) / (length(residual) || 1))),
  }
}
