import { hostKey, type Posterior, type Problem, type Process, type Saved, type Value } from 'ockham'
import { matrix, pivotedCholesky } from '../linalg/index.js'
import type { SparseOutput } from './bound.js'
import type { Latent } from './condition.js'
import { prefixed, under, vector } from './kernels/kernel.js'
import { predictionOf } from './posterior.js'
import { scaledRows, type Range } from './scaling.js'
import { processOf } from './type-two.js'

/** A fit by inducing points. */
export interface Sparse {
  readonly hyper: ReturnType<typeof under>
  readonly noise: Float64Array
  readonly range: Range
  readonly inducing: Value
  readonly outputs: readonly SparseOutput[]
  readonly evidence: number
  readonly categorical: boolean
}

/** Rows of x that leave least of the prior's variance unexplained, one after the other: Burt, Rasmussen and van der Wilk 2020. */
export function inducingRows(process: Process, hyper: Sparse['hyper'], x: Value, m: number): Value {
  const [n, d] = x.shape as [number, number]
  const rowAt = (i: number): Value => matrix([1, d], (x.data as Float64Array).slice(i * d, (i + 1) * d))
  const { pivots } = pivotedCholesky(
    Float64Array.from(process.variance(hyper, x).data),
    (i) => process.covariance(hyper, rowAt(i), x).data as Float64Array,
    Math.min(m, n),
    1e-10,
  )
  const data = new Float64Array(pivots.length * d)
  pivots.forEach((i, k) => data.set(rowAt(i).data, k * d))
  return matrix([pivots.length, d], data)
}

export function sparsePosterior(process: Process, fit: Sparse): Posterior {
  const { hyper, noise, range, inducing, outputs, evidence, categorical } = fit
  const [m, count] = [inducing.shape[0]!, outputs.length]
  const latent = (raw: Value): Latent => {
    const x = scaledRows(raw, range)
    const n = x.shape[0]!
    const across = process.covariance(hyper, x, inducing).data
    const [prior, variance] = [process.mean(hyper, x).data, process.variance(hyper, x).data]
    const [means, kept] = [new Float64Array(n * count), new Float64Array(n * count)]
    for (let i = 0; i < n; i++)
      for (const [c, { weights, taken }] of outputs.entries()) {
        let [along, gone] = [0, 0]
        for (let k = 0; k < m; k++) {
          along += across[i * m + k]! * weights[k]!
          let row = 0
          for (let l = 0; l < m; l++) row += taken[k * m + l]! * across[i * m + l]!
          gone += across[i * m + k]! * row
        }
        means[i * count + c] = prior[i * count + c]! + along
        kept[i * count + c] = Math.max(variance[i]! - gone, 1e-12 * variance[i]!)
      }
    return { mean: matrix([n, count], means), variance: matrix([n, count], kept) }
  }
  return {
    evidence,
    predict: async (at, { samples = 256, key = hostKey(0).fold('softmax') } = {}) =>
      predictionOf(latent(at['x']!), { noise, categorical }, samples, key),
    save: (): Saved => ({
      kind: 'sparse-process',
      values: {
        ...prefixed('hyper.', hyper),
        noise: vector(noise),
        'scale.low': range.low,
        'scale.range': range.range,
        inducing,
        ...Object.fromEntries(outputs.map(({ weights }, c) => [`weights.${c}`, vector(weights)])),
        ...Object.fromEntries(outputs.map(({ taken }, c) => [`taken.${c}`, matrix([m, m], taken)])),
      },
      meta: { evidence, categorical },
    }),
  }
}

/** A fit that was saved. */
export function restoredSparse({ values, meta }: Saved, problem: Problem): Posterior {
  const { evidence, categorical } = meta as { evidence: number; categorical: boolean }
  const outputs: SparseOutput[] = []
  while (values[`weights.${outputs.length}`]) {
    const c = outputs.length
    outputs.push({ weights: values[`weights.${c}`]!.data as Float64Array, taken: values[`taken.${c}`]!.data as Float64Array })
  }
  return sparsePosterior(processOf(problem), {
    hyper: under('hyper.', values),
    noise: Float64Array.from(values['noise']!.data),
    range: { low: values['scale.low']!, range: values['scale.range']! },
    inducing: values['inducing']!,
    outputs,
    evidence,
    categorical,
  })
}
