import { InputError, type Posterior, type Problem, type Saved, type Value } from 'ockham'
import { type GpProcess } from '../../parts/gp/index.js'
import { eigenSymmetric, matrix } from '../../parts/linalg/index.js'
import { isCrossFitted } from './cross-fitted.js'

/** M of one fit in the scaled features, [d, d]. */
function metricAt(saved: Saved, { model }: Problem): Float64Array {
  const kernel = 'kernel' in model ? (model as GpProcess).kernel : undefined
  const d = saved.values['scale.low']?.data.length ?? 0
  const own = Object.entries(saved.values).flatMap(([name, v]) => (name.startsWith('hyper.kernel.') ? [[name.slice(13), v] as const] : []))
  const found = kernel?.metric?.(Object.fromEntries(own), d)
  if (found) return found.data as Float64Array
  throw new InputError({
    code: 'OCK-MEAI-003',
    what: 'the model has no metric to read descriptors from',
    where: 'model',
    remedy: 'choose model gp with kernel factor-analysis, or one with ard',
  })
}

/** Fits behind a posterior: those of folds, or the one. */
export const fitsOf = (posterior: Posterior): readonly Posterior[] => (isCrossFitted(posterior) ? posterior.fits : [posterior])

/** Mean over fits and spread (sample standard deviation) of a matrix. */
export interface Spread {
  readonly mean: Float64Array
  readonly spread: Float64Array
}

export function spreadOf(all: readonly Float64Array[]): Spread {
  const size = all[0]!.length
  const mean = Float64Array.from({ length: size }, (_, i) => all.reduce((sum, m) => sum + m[i]!, 0) / all.length)
  const deviation = (i: number): number => Math.sqrt(all.reduce((sum, m) => sum + (m[i]! - mean[i]!) ** 2, 0) / Math.max(1, all.length - 1))
  return { mean, spread: Float64Array.from({ length: size }, (_, i) => deviation(i)) }
}

/** C_ij = M_ij / √(M_ii M_jj). */
export const correlationOf = (m: Float64Array): Float64Array => {
  const d = Math.sqrt(m.length)
  return m.map((v, i) => v / Math.sqrt(m[Math.floor(i / d) * (d + 1)]! * m[(i % d) * (d + 1)]!))
}

/** What the fits learnt: C and the diagonal of M with their spreads, and the leading direction of the mean M. */
export interface Learnt {
  readonly features: readonly string[]
  readonly fits: number
  readonly correlations: readonly Float64Array[]
  readonly correlation: Spread
  readonly relevance: Spread
  readonly direction: Float64Array
  /** Share of the leading eigenvalue in the trace. */
  readonly share: number
}

export function learntFrom(posterior: Posterior, problem: Problem): Learnt {
  const metrics = fitsOf(posterior).map((fit) => metricAt(fit.save(), problem))
  const d = Math.sqrt(metrics[0]!.length)
  const correlations = metrics.map(correlationOf)
  const diagonals = metrics.map((m) => Float64Array.from({ length: d }, (_, j) => m[j * (d + 1)]!))
  const { values, vectors } = eigenSymmetric(matrix([d, d], spreadOf(metrics).mean))
  const trace = Array.from(values.data).reduce((a, b) => a + b, 0)
  return {
    features: problem.dataset.meta.features ?? Array.from({ length: d }, (_, j) => `x${j}`),
    fits: metrics.length,
    correlations,
    correlation: spreadOf(correlations),
    relevance: spreadOf(diagonals),
    direction: Float64Array.from({ length: d }, (_, j) => vectors.data[j * d + d - 1]!),
    share: values.data[d - 1]! / trace,
  }
}

/** Features as the table has them, [n, d]: what the dataset scaled is taken back. */
export async function rawRows({ dataset, examples }: Problem): Promise<{ x: Value; y: Value }> {
  const rows: Value = { shape: [examples], dtype: 'int32', data: Int32Array.from({ length: examples }, (_, i) => i) }
  const { x, y } = await dataset.read('train', rows)
  const { mean = [0], std = [1] } = dataset.scaling ?? {}
  const d = x!.data.length / examples
  const back = Float64Array.from(x!.data, (v, i) => v * std[(i % d) % std.length]! + mean[(i % d) % mean.length]!)
  return { x: matrix([examples, d], back), y: y! }
}
