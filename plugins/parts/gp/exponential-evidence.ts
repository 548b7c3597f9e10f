import type { Engine, Program, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { definite, leavesDeterminant, matrix, paddedRows, tracedInverse, type Quartered } from '../linalg/index.js'
import { inner } from './kernels/kernel.js'

/** One output: residuals t − m and the whole of the noise, [n] each. */
export interface Residual {
  readonly residual: Float64Array
  readonly noise: Float64Array
}

/** What the evidence of outputs under k(x, x') = s exp(−‖z − z'‖²/2) comes to. */
export interface Terms {
  /** Log marginal likelihood of each output, nats. */
  readonly values: readonly number[]
  /** Σ⁻¹ r of each output. */
  readonly alphas: readonly Float64Array[]
  /** tr Σ⁻¹ of each output. */
  readonly traces: readonly number[]
  /** Σ_j W_ij [x_j, 1] with W = ½ Σ_c (α αᵀ − Σ⁻¹) ∘ K, [n, d + 1]. */
  readonly products: Float64Array
  /** Largest ‖r − Σα‖ / ‖r‖ after one refinement: how far the inverses can be trusted. */
  readonly error: number
}

type Inputs = 'left' | 'right' | 'x' | 'residual' | 'noise'
type Step = Program<Record<Inputs, Value>, { alpha: Tensor; missed: Tensor; diagonal: Tensor; products: Tensor; leaves: Tensor }>

const compiled = new WeakMap<Engine, Step>()

/** Rows of a half. */
const half = (a: Tensor, k: number): Tensor => tf.slice(a, [(k * a.shape[0]) / 2, 0], [a.shape[0] / 2, a.shape[1]!])

/** Q b, for a matrix by its quarters. */
const times = ({ first, across, second }: Quartered, b: Tensor): Tensor =>
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

/** K by one product and one exponential; every inverse by halves; derivatives by products with the few columns that are wanted. */
const stepOf =
  (engine: Engine) =>
  ({ left, right, x, residual, noise }: Record<Inputs, Tensor>) => {
    const [n, outputs] = residual.shape as [number, number]
    // K by quarters, made twice from the factors the other way round, since between its uses K would be most of the memory.
    const quarters = (a: Tensor, b: Tensor): Quartered => {
      const of = (i: number, j: number): Tensor => tf.matMul(half(a, i), half(b, j), false, true).exp()
      return { first: of(0, 0), across: of(0, 1), second: of(1, 1) }
    }
    const before = quarters(left, right)
    const k = quarters(right, left)
    const leaves: Tensor[] = []
    const inverses = Array.from({ length: outputs }, (_, c) =>
      tracedInverse(engine, before, tf.slice(noise, [0, c], [n, 1]).reshape([n]), leaves),
    )
    const solved = (r: Tensor): Tensor =>
      tf.concat(
        inverses.map((inverse, c) => times(inverse, tf.slice(r, [0, c], [n, 1]))),
        1,
      )
    // One step of refinement: inverses by halves lose digits that α must not.
    const rough = solved(residual)
    const alpha = rough.add(solved(residual.sub(times(k, rough)).sub(noise.mul(rough))))
    const alphas = inverses.map((_, c) => tf.slice(alpha, [0, c], [n, 1]))
    const sum = (name: keyof Quartered): Tensor =>
      inverses
        .map((inverse) => inverse[name])
        .reduce((a, b) => a.add(b))
        .mul(k[name])
    const whitened = times({ first: sum('first'), across: sum('across'), second: sum('second') }, x)
    const seen = times(
      k,
      tf.concat(
        alphas.map((a) => a.mul(x)),
        1,
      ),
    )
    const width = x.shape[1]!
    // The last column of x is 1.
    const ofAlpha = alphas.map((_, c) => tf.slice(seen, [0, (c + 1) * width - 1], [n, 1]))
    const outer = alphas.map((a, c) => a.mul(tf.slice(seen, [0, c * width], [n, width]))).reduce((a, b) => a.add(b))
    return {
      alpha,
      missed: residual.sub(noise.mul(alpha)).sub(tf.concat(ofAlpha, 1)),
      diagonal: tf.stack(
        inverses.map(({ first, second }) => tf.concat([diagonalOf(first), diagonalOf(second)], 0)),
        1,
      ),
      products: outer.sub(whitened).mul(0.5),
      leaves: tf.stack(leaves),
    }
  }

/** What padding rows have for −‖z‖²/2: their covariance with every row is 0, so that with noise 1 they are the identity. */
const nowhere = -1e4

/** Factors [n, k + 2] whose product is log K: [z, −‖z‖²/2, 1] and [z, 1, log s − ‖z‖²/2]. */
function logFactors(z: Float64Array, n: number, rows: number, logVariance: number): { left: Value; right: Value } {
  const k = z.length / n
  const [left, right] = [new Float64Array(rows * (k + 2)), new Float64Array(rows * (k + 2))]
  for (let i = 0; i < rows; i++) {
    const at = i * (k + 2)
    let square = 0
    for (let j = 0; j < (i < n ? k : 0); j++) {
      left[at + j] = right[at + j] = z[i * k + j]!
      square += z[i * k + j]! ** 2
    }
    left[at + k] = i < n ? -square / 2 : nowhere
    right[at + k] = left[at + k + 1] = 1
    right[at + k + 1] = i < n ? logVariance - square / 2 : nowhere
  }
  return { left: matrix([rows, k + 2], left), right: matrix([rows, k + 2], right) }
}

const length = (v: Float64Array): number => Math.sqrt(inner(v, v))

/** Columns of n numbers as a table of more rows, the rest filled. */
function table(columns: readonly Float64Array[], rows: number, fill: number): Value {
  const data = new Float64Array(rows * columns.length).fill(fill)
  columns.forEach((column, c) => column.forEach((v, i) => (data[i * columns.length + c] = v)))
  return matrix([rows, columns.length], data)
}

/**
 * Evidence and derivatives in one call of the runtime. `z` [n, k] is best centred: log K is formed from products, whose error grows with ‖z‖².
 * Throws `OCK-LINALG-002` where a covariance is not positive definite.
 */
export async function exponentialEvidence(
  engine: Engine,
  { z, logVariance }: { z: Float64Array; logVariance: number },
  x: Value,
  outputs: readonly Residual[],
): Promise<Terms> {
  const [n, d] = x.shape as [number, number]
  const rows = paddedRows(n)
  const program = compiled.get(engine) ?? engine.compile(stepOf(engine), { precision: 'float64' })
  compiled.set(engine, program)
  const extended = Array.from({ length: d + 1 }, (_, j) => Float64Array.from({ length: n }, (_, i) => (j === d ? 1 : x.data[i * d + j]!)))
  const inputs = {
    ...logFactors(z, n, rows, logVariance),
    x: table(extended, rows, 0),
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
  }
  const found = await definite(() => program(inputs), 'evidence')
  const count = outputs.length
  const column = (v: Value, c: number): Float64Array => Float64Array.from({ length: n }, (_, i) => v.data[i * count + c]!)
  const alphas = outputs.map((_, c) => column(found.alpha, c))
  const each = found.leaves.shape[0]! / count
  const size = found.leaves.shape[1]! ** 2
  return {
    alphas,
    traces: outputs.map((_, c) => column(found.diagonal, c).reduce((a, b) => a + b, 0)),
    values: outputs.map(({ residual }, c) => {
      const own = (found.leaves.data as Float64Array).subarray(c * each * size, (c + 1) * each * size)
      const determinant = leavesDeterminant({ ...found.leaves, shape: [each, ...found.leaves.shape.slice(1)], data: own }, 'evidence')
      const quadratic = residual.reduce((sum, r, i) => sum + r * alphas[c]![i]!, 0)
      return -0.5 * (quadratic + determinant + n * Math.log(2 * Math.PI))
    }),
    error: Math.max(...outputs.map(({ residual }, c) => length(column(found.missed, c)) / (length(residual) || 1))),
    products: (found.products.data as Float64Array).subarray(0, n * (d + 1)),
  }
}
