import type { Engine, Program, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { definite, matrix, paddedRows, perEngine, type Quartered } from '../linalg/index.js'
import { traced, type TracedProfile } from './kernels/traced-profile.js'
import { half, padded, solved, summed, table, termsOf, times, type Residual, type Terms } from './solved.js'

type Inputs = 'left' | 'right' | 'logVariance' | 'x' | 'residual' | 'noise'
type Step = Program<Record<Inputs, Value>, Record<'alpha' | 'missed' | 'diagonal' | 'products' | 'leaves', Tensor>>

/** K by one product and what the profile makes of it; every inverse by halves; derivatives by products with the few columns that are wanted. */
const stepOf =
  (engine: Engine, { value, slope }: TracedProfile) =>
  ({ left, right, logVariance, x, residual, noise }: Record<Inputs, Tensor>) => {
    const n = residual.shape[0]
    // K by quarters, made twice from the factors the other way round, since between its uses K would be most of the memory.
    const quarters = (a: Tensor, b: Tensor, profile: (h: Tensor, logVariance: Tensor) => Tensor): Quartered => {
      const of = (i: number, j: number): Tensor => profile(tf.matMul(half(a, i), half(b, j), false, true), logVariance)
      return { first: of(0, 0), across: of(0, 1), second: of(1, 1) }
    }
    const k = quarters(right, left, value)
    const { inverses, alpha, diagonal, leaves } = solved(engine, quarters(left, right, value), k, residual, noise)
    // Made from α's zeros, so that the runtime makes slopes after the inverses and not beside them.
    const slopes = slope ? quarters(right.add(alpha.sum().mul(0)), left, slope) : k
    const alphas = inverses.map((_, c) => tf.slice(alpha, [0, c], [n, 1]))
    const { first, across, second } = summed(inverses)
    const whitened = times({ first: first.mul(slopes.first), across: across.mul(slopes.across), second: second.mul(slopes.second) }, x)
    const seen = times(
      slopes,
      tf.concat(
        alphas.map((a) => a.mul(x)),
        1,
      ),
    )
    const width = x.shape[1]!
    const outer = alphas.map((a, c) => a.mul(tf.slice(seen, [0, c * width], [n, width]))).reduce((a, b) => a.add(b))
    return {
      alpha,
      missed: residual.sub(noise.mul(alpha)).sub(times(k, alpha)),
      diagonal,
      products: outer.sub(whitened).mul(slope ? 0.5 : -0.25),
      leaves,
    }
  }

const programs = new Map(
  [...traced.values()].map((profile) => [
    profile,
    perEngine((engine): Step => engine.compile(stepOf(engine, profile), { precision: 'float64' })),
  ]),
)

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

/** Σ_ij (∂L/∂K)_ij K_ij of one output, ½ (αᵀKα − tr Σ⁻¹K), from Kα = r − noise α − missed and Σ⁻¹K = I − Σ⁻¹ diag(noise). */
function inLogVariance(
  { residual, noise }: Residual,
  found: Record<'alpha' | 'missed' | 'diagonal', Value>,
  c: number,
  count: number,
): number {
  let sum = -residual.length
  for (let i = 0; i < residual.length; i++) {
    const [a, missed, inverse] = [found.alpha.data[i * count + c]!, found.missed.data[i * count + c]!, found.diagonal.data[i * count + c]!]
    sum += a * (residual[i]! - noise[i]! * a - missed) + noise[i]! * inverse
  }
  return sum / 2
}

/**
 * Evidence and derivatives under k(x, x') = s f(‖z − z'‖²) in one call of the runtime; `products` is Σ_j W_ij [x_j, 1] with
 * W = ½ Σ_c (α αᵀ − Σ⁻¹) ∘ s f′, [n, d + 1]. `z` [n, k] is best centred: log K is formed from products, whose error grows with ‖z‖².
 * Throws `OCK-LINALG-002` where a covariance is not positive definite.
 */
export async function embeddedEvidence(
  engine: Engine,
  profile: TracedProfile,
  { z, logVariance }: { z: Float64Array; logVariance: number },
  x: Value,
  outputs: readonly Residual[],
): Promise<Terms & { readonly products: Float64Array; readonly byLogVariance: number }> {
  const [n, d] = x.shape as [number, number]
  const rows = paddedRows(n)
  const program = programs.get(profile)!.of(engine)
  const extended = Array.from({ length: d + 1 }, (_, j) => Float64Array.from({ length: n }, (_, i) => (j === d ? 1 : x.data[i * d + j]!)))
  const inputs = {
    ...logFactors(z, n, rows, logVariance),
    logVariance: matrix([1, 1], [logVariance]),
    x: table(extended, rows, 0),
    ...padded(outputs, rows),
  }
  const found = await definite(() => program(inputs), 'evidence')
  const byLogVariance = outputs.reduce((sum, output, c) => sum + inLogVariance(output, found, c, outputs.length), 0)
  return { ...termsOf(found, outputs), byLogVariance, products: (found.products.data as Float64Array).subarray(0, n * (d + 1)) }
}

/** Gives back the memory that the runtime keeps between two calls. */
export const releaseEmbedded = (engine: Engine): void => programs.forEach((program) => program.release(engine))
