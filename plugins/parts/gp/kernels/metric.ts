import type { HostKey, Value, Values } from 'ockham'
import { between, positive } from './constraint.js'
import { vector } from './kernel.js'

/** A positive definite form (x − x')ᵀ M (x − x') with parameters. */
export interface Metric {
  init(dimensions: number, key: HostKey): Values
  /** R [k, d] with M = Rᵀ R. */
  root(p: Values, dimensions: number): { readonly rows: number; readonly data: Float64Array }
  /** Derivatives in the parameters from those in M [d, d], a symmetric matrix. */
  pull(p: Values, by: Float64Array, dimensions: number): Values
}

/** M = I / ℓ², or diag(1/ℓ_j²) with `ard`: one length-scale a feature (automatic relevance determination). */
export const scaled = ({ lengthScale, ard }: { lengthScale: number; ard: boolean }): Metric => ({
  init: (d) => ({ lengthScale: vector(new Float64Array(ard ? d : 1).fill(positive.raw(lengthScale))) }),
  root: ({ lengthScale: raw }, d) => {
    const data = new Float64Array(d * d)
    for (let j = 0; j < d; j++) data[j * d + j] = 1 / positive.value(raw!.data[ard ? j : 0]!)
    return { rows: d, data }
  },
  pull({ lengthScale: raw }, by, d) {
    const out = new Float64Array(raw!.data.length)
    // ∂M_jj / ∂ log ℓ = −2 / ℓ².
    for (let j = 0; j < d; j++) out[ard ? j : 0]! -= (2 * by[j * d + j]!) / positive.value(raw!.data[ard ? j : 0]!) ** 2
    return { lengthScale: vector(out) }
  },
})

export interface FactorOptions {
  readonly rank: number
  readonly lengthScale: number
  readonly bounds: readonly [number, number]
}

/** M = P diag(ℓ⁻²) Pᵀ + diag(λ⁻²): low rank plus diagonal, as the covariance of factor analysis. P [d, rank]. */
export function factors({ rank, lengthScale, bounds }: FactorOptions): Metric {
  const scale = between(...(bounds as [number, number]))
  const start = scale.raw(lengthScale)
  return {
    init: (d, key) => ({
      directions: {
        shape: [d, rank],
        dtype: 'float64',
        data: Float64Array.from(key.fold('directions').normal([d, rank]).data, (z) => z / rank),
      },
      factorScale: vector(new Float64Array(rank).fill(start)),
      lengthScale: vector(new Float64Array(d).fill(start)),
    }),
    root({ directions, factorScale, lengthScale: raw }, d) {
      const data = new Float64Array((rank + d) * d)
      for (let r = 0; r < rank; r++) {
        const ell = scale.value(factorScale!.data[r]!)
        for (let j = 0; j < d; j++) data[r * d + j] = directions!.data[j * rank + r]! / ell
      }
      for (let j = 0; j < d; j++) data[(rank + j) * d + j] = 1 / scale.value(raw!.data[j]!)
      return { rows: rank + d, data }
    },
    pull({ directions, factorScale, lengthScale: raw }, by, d) {
      const p = directions!.data
      const byDirections = new Float64Array(d * rank)
      const byFactor = new Float64Array(rank)
      const byScale = new Float64Array(d)
      for (let r = 0; r < rank; r++) {
        const ell = scale.value(factorScale!.data[r]!)
        for (let j = 0; j < d; j++) {
          let along = 0
          for (let k = 0; k < d; k++) along += by[j * d + k]! * p[k * rank + r]!
          byDirections[j * rank + r] = (2 * along) / ell ** 2
          byFactor[r]! -= ((2 * along * p[j * rank + r]!) / ell ** 3) * scale.slope(factorScale!.data[r]!)
        }
      }
      for (let j = 0; j < d; j++) byScale[j] = ((-2 * by[j * d + j]!) / scale.value(raw!.data[j]!) ** 3) * scale.slope(raw!.data[j]!)
      return {
        directions: { shape: [d, rank], dtype: 'float64', data: byDirections },
        factorScale: vector(byFactor),
        lengthScale: vector(byScale),
      }
    },
  }
}

/** M = Rᵀ R [d, d]. */
export function metricOf(metric: Metric, p: Values, d: number): Value {
  const { rows, data } = metric.root(p, d)
  const m = new Float64Array(d * d)
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) m[i * d + j]! += data[r * d + i]! * data[r * d + j]!
  return { shape: [d, d], dtype: 'float64', data: m }
}
