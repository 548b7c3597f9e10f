import type { Value } from 'ockham'
import { positive } from './constraint.js'
import { inner, rowsOf, vector, widthOf, type Kernel } from './kernel.js'

export interface PeriodicOptions {
  readonly variance: number
  readonly lengthScale: number
  readonly period: number
  readonly ard: boolean
}

/** k(x, x') = s · exp(−2 Σ_j sin²(π (x_j − x'_j) / p) / ℓ_j²), MacKay 1998; one period for all features. */
export function periodic({ variance, lengthScale, period, ard }: PeriodicOptions): Kernel {
  const value = (v: Value | undefined, j = 0): number => positive.value(v!.data[ard ? j : 0]!)
  return {
    init: (d) => ({
      variance: vector([positive.raw(variance)]),
      lengthScale: vector(new Float64Array(ard ? d : 1).fill(positive.raw(lengthScale))),
      period: vector([positive.raw(period)]),
    }),
    covariance(p, a, b) {
      const [n, m, d] = [rowsOf(a), rowsOf(b), widthOf(a)]
      const [s, wave] = [value(p['variance']), Math.PI / positive.value(p['period']!.data[0]!)]
      const weights = Array.from({ length: d }, (_, j) => 2 / value(p['lengthScale'], j) ** 2)
      const data = new Float64Array(n * m)
      for (let i = 0; i < n; i++)
        for (let k = 0; k < m; k++) {
          let sum = 0
          for (let j = 0; j < d; j++) sum += weights[j]! * Math.sin(wave * (a.data[i * d + j]! - b.data[k * d + j]!)) ** 2
          data[i * m + k] = s * Math.exp(-sum)
        }
      return { shape: [n, m], dtype: 'float64', data }
    },
    variance: (p, x) => vector(new Float64Array(rowsOf(x)).fill(value(p['variance']))),
    pull(p, a, b, by) {
      const known = this.covariance(p, a, b).data
      const [n, m, d] = [rowsOf(a), rowsOf(b), widthOf(a)]
      const wave = Math.PI / positive.value(p['period']!.data[0]!)
      const weights = Array.from({ length: d }, (_, j) => 2 / value(p['lengthScale'], j) ** 2)
      const scales = new Float64Array(ard ? d : 1)
      let [total, byPeriod] = [0, 0]
      for (let i = 0; i < n; i++)
        for (let k = 0; k < m; k++) {
          const w = by.data[i * m + k]! * known[i * m + k]!
          total += w
          for (let j = 0; j < d; j++) {
            const angle = wave * (a.data[i * d + j]! - b.data[k * d + j]!)
            const sine = Math.sin(angle)
            scales[ard ? j : 0]! += 2 * w * weights[j]! * sine * sine
            byPeriod += w * weights[j]! * 2 * sine * Math.cos(angle) * angle
          }
        }
      return { variance: vector([total]), lengthScale: vector(scales), period: vector([byPeriod]) }
    },
    pullVariance: (p, x, by) => ({
      variance: vector([inner(by.data, new Float64Array(rowsOf(x)).fill(1)) * value(p['variance'])]),
      lengthScale: vector(new Float64Array(p['lengthScale']!.data.length)),
      period: vector([0]),
    }),
  }
}
