import type { Inference } from 'ockham'
import { z } from 'zod'
import { sparseBound } from './bound.js'
import { statesTargets } from './dirichlet.js'
import { above } from './kernels/constraint.js'
import { minimise, type Objective } from './optimise.js'
import { observations } from './posterior.js'
import { fitRange, scaledRows, unscaled } from './scaling.js'
import { inducingRows, restoredSparse, sparsePosterior } from './sparse-posterior.js'
import { checkProblem, flattening, typeTwoOptions } from './type-two.js'

export const sgprOptions = typeTwoOptions.omit({ starts: true, coarse: true }).extend({
  inducing: z
    .int()
    .positive()
    .default(200)
    .describe('m, inducing points: rows of the data, chosen greedily by what is left of their variance'),
  rounds: z.int().positive().default(2).describe('how often they are chosen, each time under the kernel learnt so far'),
})

type Options = z.output<typeof sgprOptions>

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
    let inducing = inducingRows(process, start, x, options.inducing)
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
      if (round > 0) inducing = inducingRows(process, split(at).hyper, x, options.inducing)
      at = (await minimise(run, `round ${round}`, loss, at, options)).x
    }
    const { hyper, noise } = split(at)
    const { value, outputs } = await boundAt(at)
    const categorical = statesTargets(problem.objective)
    return sparsePosterior(process, { hyper, noise: noise.map(constraint.value), range, inducing, outputs, evidence: value, categorical })
  },
  restore: restoredSparse,
  plan: ({ examples }) => ({ steps: options.steps * options.rounds, bytes: 40 * examples * options.inducing }),
})
