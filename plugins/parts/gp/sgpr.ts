import { hostKey, type Inference, type Posterior, type Process, type Saved, type Value } from 'ockham'
import { z } from 'zod'
import { matrix, pivotedCholesky } from '../linalg/index.js'
import { sparseBound, type SparseOutput } from './bound.js'
import type { Latent } from './condition.js'
import { statesTargets } from './dirichlet.js'
import { above } from './kernels/constraint.js'
import { prefixed, under, vector } from './kernels/kernel.js'
import { minimise, type Objective } from './optimise.js'
import { observations, predictionOf } from './posterior.js'
import { fitRange, scaledRows, unscaled, type Range } from './scaling.js'
import { checkProblem, flattening, processOf, typeTwoOptions } from './type-two.js'

export const sgprOptions = typeTwoOptions.omit({ starts: true, coarse: true }).extend({
  inducing: z
    .int()
    .positive()
    .default(200)
    .describe('m, inducing points: rows of the data, chosen greedily by what is left of their variance'),
  rounds: z.int().positive().default(2).describe('how often they are chosen, each time under the kernel learnt so far'),
})

type Options = z.output<typeof sgprOptions>

interface Sparse {
  readonly hyper: ReturnType<typeof under>
  readonly noise: Float64Array
  readonly range: Range
  readonly inducing: Value
  readonly outputs: readonly SparseOutput[]
  readonly evidence: number
  readonly categorical: boolean
}

/** Rows of x that leave least of the prior's variance unexplained, one after the other: Burt, Rasmussen and van der Wilk 2020. */
function chosen(process: Process, hyper: Sparse['hyper'], x: Value, m: number): Value {
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

function posteriorOf(process: Process, fit: Sparse): Posterior {
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

/**
 * Type-II maximum likelihood of the sparse bound: n to 100,000 and more, with no n × n matrix. The posterior keeps the inducing points
 * and no data. Throws as `type-two` does.
 */
export const sgpr = (options: Options): Inference => ({
  async infer(problem, run) {
    const process = checkProblem(problem)
    const { x: raw, observed } = await observations(problem)
    const width = raw.data.length / problem.examples
    const rows = { ...raw, shape: [problem.examples, width] }
    const range = options.scaling === 'min-max' ? fitRange(rows) : unscaled(width)
    const x = scaledRows(rows, range)
    const constraint = above(options.noiseFloor)
    const start = await process.init(run.key.fold('start').fold(0), problem.dataset.meta)
    const { flat, split } = flattening(start, observed.length)
    let at = flat(start, new Float64Array(observed.length).fill(constraint.raw(options.noise + options.noiseFloor)))
    let inducing = chosen(process, start, x, options.inducing)
    const n = problem.examples
    const boundAt = async (v: Float64Array) => {
      const { hyper, noise } = split(v)
      return sparseBound(run.engine, process, hyper, noise.map(constraint.value), x, inducing, observed)
    }
    const loss: Objective = async (v) => {
      const found = await boundAt(v)
      const byNoise = found.noise.map((g, c) => g * constraint.slope(split(v).noise[c]!))
      return { value: -found.value / n, gradient: flat(found.hyper, byNoise).map((g) => -g / n) }
    }
    for (let round = 0; round < options.rounds; round++) {
      if (round > 0) inducing = chosen(process, split(at).hyper, x, options.inducing)
      at = (await minimise(run, `round ${round}`, loss, at, options)).x
    }
    const { hyper, noise } = split(at)
    const { value, outputs } = await boundAt(at)
    const categorical = statesTargets(problem.objective)
    return posteriorOf(process, { hyper, noise: noise.map(constraint.value), range, inducing, outputs, evidence: value, categorical })
  },
  restore({ values, meta }, problem) {
    const { evidence, categorical } = meta as { evidence: number; categorical: boolean }
    const outputs: SparseOutput[] = []
    while (values[`weights.${outputs.length}`]) {
      const c = outputs.length
      outputs.push({ weights: values[`weights.${c}`]!.data as Float64Array, taken: values[`taken.${c}`]!.data as Float64Array })
    }
    return posteriorOf(processOf(problem), {
      hyper: under('hyper.', values),
      noise: Float64Array.from(values['noise']!.data),
      range: { low: values['scale.low']!, range: values['scale.range']! },
      inducing: values['inducing']!,
      outputs,
      evidence,
      categorical,
    })
  },
  plan: ({ examples }) => ({ steps: options.steps * options.rounds, bytes: 40 * examples * options.inducing }),
})
