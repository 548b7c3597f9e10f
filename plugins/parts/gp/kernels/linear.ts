import type { Value } from 'ockham'
import { positive } from './constraint.js'
import { rowsOf, vector, widthOf, type Kernel } from './kernel.js'

export interface LinearOptions {
  readonly variance: number
  readonly offset: number
  readonly ard: boolean
}

/** k(x, x') = Σ_j v_j x_j x'_j + o: Bayesian linear regression with weights of variance v and a constant of variance o. */
export function linear({ variance, offset, ard }: LinearOptions): Kernel {
  const weight = (v: Value | undefined, j: number): number => positive.value(v!.data[ard ? j : 0]!)
  return {
    init: (d) => ({
      variance: vector(new Float64Array(ard ? d : 1).fill(positive.raw(variance))),
      offset: vector([positive.raw(offset)]),
    }),
    covariance(p, a, b) {
      const [n, m, d] = [rowsOf(a), rowsOf(b), widthOf(a)]
      const start = positive.value(p['offset']!.data[0]!)
      const data = new Float64Array(n * m).fill(start)
      for (let i = 0; i < n; i++)
        for (let k = 0; k < m; k++)
          for (let j = 0; j < d; j++) data[i * m + k]! += weight(p['variance'], j) * (a.data[i * d + j]! * b.data[k * d + j]!)
      return { shape: [n, m], dtype: 'float64', data }
    },
    variance(p, x) {
      const d = widthOf(x)
      const start = positive.value(p['offset']!.data[0]!)
      return vector(
        Float64Array.from({ length: rowsOf(x) }, (_, i) => {
          let sum = start
          for (let j = 0; j < d; j++) sum += weight(p['variance'], j) * x.data[i * d + j]! ** 2
          return sum
        }),
      )
    },
    pull(p, a, b, by) {
      const [n, m, d] = [rowsOf(a), rowsOf(b), widthOf(a)]
      const out = new Float64Array(ard ? d : 1)
      let total = 0
      for (let i = 0; i < n; i++)
        for (let k = 0; k < m; k++) {
          const g = by.data[i * m + k]!
          total += g
          for (let j = 0; j < d; j++) out[ard ? j : 0]! += g * a.data[i * d + j]! * b.data[k * d + j]! * weight(p['variance'], j)
        }
      return { variance: vector(out), offset: vector([total * positive.value(p['offset']!.data[0]!)]) }
    },
    pullVariance(p, x, by) {
      const d = widthOf(x)
      const out = new Float64Array(ard ? d : 1)
      let total = 0
      for (let i = 0; i < rowsOf(x); i++) {
        total += by.data[i]!
        for (let j = 0; j < d; j++) out[ard ? j : 0]! += by.data[i]! * x.data[i * d + j]! ** 2 * weight(p['variance'], j)
      }
      return { variance: vector(out), offset: vector([total * positive.value(p['offset']!.data[0]!)]) }
    },
  }
}
