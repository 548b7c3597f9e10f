import type { Engine, Program, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { definite, matrix, paddedRows, perEngine, type Quartered } from '../linalg/index.js'
import { half, padded, solved, summed, table, termsOf, times, type Residual, type Terms } from './solved.js'

type Inputs = 'left' | 'right' | 'x' | 'residual' | 'noise'
type Step = Program<Record<Inputs, Value>, Record<'alpha' | 'missed' | 'diagonal' | 'products' | 'leaves', Tensor>>

/** K by one product and one exponential; every inverse by halves; derivatives by products with the few columns that are wanted. */
const stepOf =
  (engine: Engine) =>
  ({ left, right, x, residual, noise }: Record<Inputs, Tensor>) => {
    const n = residual.shape[0]
    // K by quarters, made twice from the factors the other way round, since between its uses K would be most of the memory.
    const quarters = (a: Tensor, b: Tensor): Quartered => {
      const of = (i: number, j: number): Tensor => tf.matMul(half(a, i), half(b, j), false, true).exp()
      return { first: of(0, 0), across: of(0, 1), second: of(1, 1) }
    }
    const k = quarters(right, left)
    const { inverses, alpha, diagonal, leaves } = solved(engine, quarters(left, right), k, residual, noise)
    const alphas = inverses.map((_, c) => tf.slice(alpha, [0, c], [n, 1]))
    const { first, across, second } = summed(inverses)
    const whitened = times({ first: first.mul(k.first), across: across.mul(k.across), second: second.mul(k.second) }, x)
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
      diagonal,
      products: outer.sub(whitened).mul(0.5),
      leaves,
    }
  }

const programs = perEngine((engine): Step => engine.compile(stepOf(engine), { precision: 'float64' }))

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

/**
 * Evidence and derivatives under k(x, x') = s exp(−‖z − z'‖²/2) in one call of the runtime; `products` is Σ_j W_ij [x_j, 1] with
 * W = ½ Σ_c (α αᵀ − Σ⁻¹) ∘ K, [n, d + 1]. `z` [n, k] is best centred: log K is formed from products, whose error grows with ‖z‖².
 * Throws `OCK-LINALG-002` where a covariance is not positive definite.
 */
export async function exponentialEvidence(
  engine: Engine,
  { z, logVariance }: { z: Float64Array; logVariance: number },
  x: Value,
  outputs: readonly Residual[],
): Promise<Terms & { readonly products: Float64Array }> {
  const [n, d] = x.shape as [number, number]
  const rows = paddedRows(n)
  const program = programs.of(engine)
  const extended = Array.from({ length: d + 1 }, (_, j) => Float64Array.from({ length: n }, (_, i) => (j === d ? 1 : x.data[i * d + j]!)))
  const inputs = { ...logFactors(z, n, rows, logVariance), x: table(extended, rows, 0), ...padded(outputs, rows) }
  const found = await definite(() => program(inputs), 'evidence')
  return { ...termsOf(found, outputs), products: (found.products.data as Float64Array).subarray(0, n * (d + 1)) }
}

/** Gives back the memory that the runtime keeps between two calls. */
export const releaseExponential = (engine: Engine): void => programs.release(engine)
