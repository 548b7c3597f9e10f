import type { Engine, Process, Value, Values } from 'ockham'
import { blockProduct, choleskyJittered, inverseFactored, logDeterminant, matrix, product } from '../linalg/index.js'
import type { Observed } from './dirichlet.js'

/** What predictions need of one output: K_uu⁻¹ and Σ⁻¹ [m, m], and the weights Σ⁻¹ K_uf Λ r [m]. */
export interface SparseOutput {
  readonly weights: Float64Array
  /** K_uu⁻¹ − Σ⁻¹: the part of the prior's variance that the data take away. */
  readonly taken: Float64Array
}

export interface Bound {
  /** Σ_c of the bounds, nats. */
  readonly value: number
  readonly hyper: Values
  readonly noise: Float64Array
  readonly outputs: readonly SparseOutput[]
}

/** Rows of a [n, m] multiplied by a number each. */
const weighted = (a: Value, by: Float64Array): Value => {
  const m = a.shape[1]!
  return matrix(
    a.shape,
    Float64Array.from(a.data, (v, i) => v * by[Math.floor(i / m)]!),
  )
}

const times = (a: Float64Array, v: Float64Array): Float64Array => {
  const m = v.length
  return Float64Array.from({ length: a.length / m }, (_, i) => {
    let sum = 0
    for (let k = 0; k < m; k++) sum += a[i * m + k]! * v[k]!
    return sum
  })
}

/**
 * Titsias' lower bound on the evidence, 2009, with one noise variance an observation:
 * Σ_c log N(t_c | m_c, Q + D_c) − ½ tr D_c⁻¹ (K_ff − Q), Q = K_fu K_uu⁻¹ K_uf, and its gradient at fixed inducing points z [m, d].
 * O(n m²) time and O(n m) numbers.
 */
export async function sparseBound(
  engine: Engine,
  process: Process,
  hyper: Values,
  extra: Float64Array,
  x: Value,
  z: Value,
  observed: readonly Observed[],
): Promise<Bound> {
  const [n, m, count] = [x.shape[0]!, z.shape[0]!, observed.length]
  const across = process.covariance(hyper, x, z)
  const inside = process.covariance(hyper, z, z)
  const priors = process.variance(hyper, x).data
  const mean = process.mean(hyper, x).data
  // Inducing points lie close: a jitter far below the noise keeps their covariance positive.
  const jittered = matrix(
    [m, m],
    inside.data.map((v, i) => v + (i % (m + 1) === 0 ? 1e-8 * inside.data[0]! : 0)),
  )
  const { factor } = choleskyJittered(jittered)
  const inverse = inverseFactored(factor)
  const projected = await blockProduct(engine, across, inverse)
  const explained = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0
    for (let k = 0; k < m; k++) sum += across.data[i * m + k]! * projected.data[i * m + k]!
    return sum
  })
  const byAcross = new Float64Array(n * m)
  const byInside = new Float64Array(m * m)
  const byVariance = new Float64Array(n)
  const byMean = new Float64Array(n * count)
  const byNoise = new Float64Array(count)
  const outputs: SparseOutput[] = []
  let value = 0
  for (const [c, { target, noise }] of observed.entries()) {
    const precision = noise.map((v) => 1 / (v + extra[c]!))
    const r = target.map((t, i) => t - mean[i * count + c]!)
    const data = await blockProduct(engine, weighted(across, precision), across, { left: true })
    const whole = choleskyJittered(
      matrix(
        [m, m],
        data.data.map((v, i) => (v + data.data[(i % m) * m + Math.floor(i / m)]!) / 2 + jittered.data[i]!),
      ),
    ).factor
    const wholeInverse = inverseFactored(whole)
    const solved = await blockProduct(engine, across, wholeInverse)
    const scaled = r.map((v, i) => v * precision[i]!)
    const projectedTarget = (await blockProduct(engine, across, matrix([n, 1], scaled), { left: true })).data as Float64Array
    const weights = times(wholeInverse.data as Float64Array, projectedTarget)
    const beta = times(across.data as Float64Array, weights).map((v, i) => scaled[i]! - precision[i]! * v)
    const along = (await blockProduct(engine, projected, matrix([n, 1], beta), { left: true })).data
    value -= 0.5 * (logDeterminant(whole) - logDeterminant(factor) + n * Math.log(2 * Math.PI))
    for (let i = 0; i < n; i++) {
      const w = precision[i]!
      let kept = 0
      for (let k = 0; k < m; k++) {
        const at = i * m + k
        kept += across.data[at]! * solved.data[at]!
        byAcross[at]! += beta[i]! * along[k]! + w * (projected.data[at]! - solved.data[at]!)
      }
      const left = priors[i]! - explained[i]!
      value -= 0.5 * (r[i]! * beta[i]! - Math.log(w) + w * left)
      byVariance[i]! -= 0.5 * w
      byMean[i * count + c] = beta[i]!
      byNoise[c]! += 0.5 * (beta[i]! ** 2 - w + w * w * kept + w * w * left)
    }
    // V Λ Vᵀ = K_uu⁻¹ (Σ − K_uu) K_uu⁻¹.
    const seen = matrix(
      [m, m],
      Float64Array.from({ length: m * m }, (_, i) => (data.data[i]! + data.data[(i % m) * m + Math.floor(i / m)]!) / 2),
    )
    const sandwich = product(product(inverse, seen), inverse).data
    const taken = new Float64Array(m * m)
    for (let i = 0; i < m * m; i++) {
      taken[i] = inverse.data[i]! - wholeInverse.data[i]!
      byInside[i]! -= 0.5 * (along[Math.floor(i / m)]! * along[i % m]! - taken[i]! + sandwich[i]!)
    }
    outputs.push({ weights, taken })
  }
  const gradient = process.gradient(hyper, {
    mean: { x, by: matrix([n, count], byMean) },
    covariance: [
      { a: x, b: z, by: matrix([n, m], byAcross) },
      { a: z, b: z, by: matrix([m, m], byInside) },
    ],
    variance: { x, by: matrix([n], byVariance) },
  })
  return { value, hyper: gradient, noise: byNoise, outputs }
}
