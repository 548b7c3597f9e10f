import type { Engine, Process, Value, Values } from 'ockham'
import { blockProduct, choleskyJittered, inverseFactored, logDeterminant, matrix, product } from '../linalg/index.js'
import type { SparseOutput } from './bound.js'
import type { Observed } from './dirichlet.js'

/** q(u) = N(μ, S) of one output by its natural parameters. */
export interface Variational {
  /** S⁻¹ [m, m]. */
  readonly precision: Float64Array
  /** S⁻¹ μ [m]. */
  readonly shift: Float64Array
}

/** A batch's estimate of the bound, and where it leads. */
export interface StochasticBound {
  /** Nats, an unbiased estimate of the whole bound. */
  readonly value: number
  readonly hyper: Values
  readonly noise: Float64Array
  /** What q would be if this batch, repeated, were all data. */
  readonly optimal: readonly Variational[]
  /** What predictions need. */
  readonly outputs: readonly SparseOutput[]
}

const weightedRows = (a: Value, by: Float64Array): Value => {
  const m = a.shape[1]!
  const data = Float64Array.from(a.data)
  for (let i = 0; i < data.length; i++) data[i]! *= by[Math.floor(i / m)]!
  return matrix(a.shape, data)
}

const symmetric = (a: Value): Value => {
  const m = a.shape[0]!
  return matrix(
    [m, m],
    Float64Array.from(a.data, (v, i) => (v + a.data[(i % m) * m + Math.floor(i / m)]!) / 2),
  )
}

const minus = (a: Value, b: Value): Value =>
  matrix(
    a.shape,
    Float64Array.from(a.data, (v, i) => v - b.data[i]!),
  )

const trace = (a: Value, b: Value): number => {
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!
  return sum
}

/** q(u) = p(u): where learning starts. */
export function priorOf(process: Process, hyper: Values, z: Value, outputs: number): readonly Variational[] {
  const { inverse } = inside(process, hyper, z)
  return Array.from({ length: outputs }, () => ({
    precision: Float64Array.from(inverse.data),
    shift: new Float64Array(z.shape[0]!),
  }))
}

function inside(process: Process, hyper: Values, z: Value): { inverse: Value; determinant: number } {
  const k = process.covariance(hyper, z, z)
  const m = z.shape[0]!
  // Inducing points lie close: a jitter far below the noise keeps their covariance positive.
  const jittered = matrix(
    [m, m],
    Float64Array.from(k.data, (v, i) => v + (i % (m + 1) === 0 ? 1e-8 * k.data[0]! : 0)),
  )
  const { factor } = choleskyJittered(jittered)
  return { inverse: inverseFactored(factor), determinant: logDeterminant(factor) }
}

/**
 * Hensman, Fusi and Lawrence 2013, equation 4, with one noise variance an observation, from a batch x [b, d] of n rows and inducing points z [m, d]:
 * (n/b) Σ_i [log N(t_i | m_i + a_iᵀμ, d_i) − v_i / 2d_i] − KL(q(u) ‖ p(u)) with a = K_uu⁻¹ k_i, v_i = k_ii − a_iᵀ(K_uu − S) a_i; derivatives in the
 * hyper-parameters at fixed q. O(b m² + m³) time.
 */
export async function stochasticBound(
  engine: Engine,
  process: Process,
  hyper: Values,
  extra: Float64Array,
  x: Value,
  z: Value,
  observed: readonly Observed[],
  q: readonly Variational[],
  n: number,
): Promise<StochasticBound> {
  const [b, m, count] = [x.shape[0]!, z.shape[0]!, observed.length]
  const share = n / b
  const across = process.covariance(hyper, x, z)
  const priors = process.variance(hyper, x).data
  const mean = process.mean(hyper, x).data
  const { inverse, determinant } = inside(process, hyper, z)
  const a = await blockProduct(engine, across, inverse)
  const [byAcross, byInside] = [new Float64Array(b * m), new Float64Array(m * m)]
  const [byVariance, byMean, byNoise] = [new Float64Array(b), new Float64Array(b * count), new Float64Array(count)]
  const optimal: Variational[] = []
  const outputs: SparseOutput[] = []
  let value = 0
  for (const [c, { target, noise }] of observed.entries()) {
    const { factor } = choleskyJittered(matrix([m, m], q[c]!.precision))
    const s = inverseFactored(factor)
    const mu = product(s, matrix([m, 1], q[c]!.shift))
    const weights = product(inverse, mu)
    const spread = await blockProduct(engine, a, s)
    const fitted = product(a, mu).data
    const [w, r, error] = [new Float64Array(b), new Float64Array(b), new Float64Array(b)]
    for (let i = 0; i < b; i++) {
      const d = noise[i]! + extra[c]!
      let v = priors[i]!
      for (let k = 0; k < m; k++) v -= a.data[i * m + k]! * (across.data[i * m + k]! - spread.data[i * m + k]!)
      w[i] = share / d
      r[i] = target[i]! - mean[i * count + c]!
      error[i] = r[i]! - fitted[i]!
      const square = error[i]! ** 2 + v
      value -= 0.5 * share * (Math.log(2 * Math.PI * d) + square / d)
      byNoise[c]! += 0.5 * w[i]! * (square / d - 1)
      byMean[i * count + c] = w[i]! * error[i]!
      byVariance[i]! -= 0.5 * w[i]!
    }
    value -= 0.5 * (trace(inverse, s) + trace(weights, mu) - m + determinant + logDeterminant(factor))
    const weighted = weightedRows(a, w)
    // A S K_uu⁻¹ [b, m].
    const through = await blockProduct(engine, spread, inverse)
    for (let i = 0; i < b; i++)
      for (let k = 0; k < m; k++)
        byAcross[i * m + k]! += w[i]! * (error[i]! * weights.data[k]! + a.data[i * m + k]! - through.data[i * m + k]!)
    const gram = await blockProduct(engine, weighted, a, { left: true })
    const mixed = await blockProduct(engine, weighted, through, { left: true })
    const along = await blockProduct(engine, weighted, matrix([b, 1], error), { left: true })
    const curved = product(product(inverse, s), inverse)
    for (let k = 0; k < m; k++)
      for (let l = 0; l < m; l++) {
        const at = k * m + l
        const outer = along.data[k]! * weights.data[l]!
        byInside[at]! +=
          mixed.data[at]! -
          0.5 * gram.data[at]! -
          outer +
          0.5 * (curved.data[at]! + weights.data[k]! * weights.data[l]! - inverse.data[at]!)
      }
    const pulled = await blockProduct(engine, weighted, matrix([b, 1], r), { left: true })
    optimal.push({
      precision: symmetric(gram).data.map((v, i) => v + inverse.data[i]!) as Float64Array,
      shift: Float64Array.from(pulled.data),
    })
    outputs.push({ weights: weights.data as Float64Array, taken: minus(inverse, symmetric(curved)).data as Float64Array })
  }
  const gradient = process.gradient(hyper, {
    mean: { x, by: matrix([b, count], byMean) },
    covariance: [
      { a: x, b: z, by: matrix([b, m], byAcross) },
      { a: z, b: z, by: symmetric(matrix([m, m], byInside)) },
    ],
    variance: { x, by: matrix([b], byVariance) },
  })
  return { value, hyper: gradient, noise: byNoise, optimal, outputs }
}
