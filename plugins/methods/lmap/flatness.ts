/*
 * How flat the loss is around the weights that were learnt: the measures of Qiu et al. 2023, appendix. Trace by Hutchinson's estimator, extreme
 * eigenvalues by Lanczos, loss along directions that are scaled as the weights are (Li et al. 2018).
 */
import type { Evaluation, HostKey, Posterior, Sampler, Values } from 'ockham'
import { hostKey, InputError } from 'ockham'
import { z } from 'zod'
import { checkSplits, mean } from '../../parts/evaluation/index.js'
import { lines } from '../../parts/figures/index.js'
import { batches, value } from '../../parts/training/index.js'
import { lossAt, type LossAt } from './curvature.js'
import { along, direction, places } from './directions.js'
import { changes, largest, traces } from './spectrum.js'

const whole = z.int().positive()

export const flatnessOptions = z.strictObject({
  split: z.string().default('train').describe('the split whose mean loss is looked at, as it is: not augmented'),
  rows: whole.default(1024).describe('rows of it, drawn once; all where there are fewer'),
  batchSize: whole.default(256).describe('rows a pass'),
  probes: z.int().min(2).default(10).describe('random vectors for the trace'),
  eigenvalues: z.int().min(0).default(3).describe('largest eigenvalues, by absolute value; 0 spares Lanczos'),
  iterations: whole.default(20).describe('products with the Hessian for the eigenvalues'),
  directions: z.int().min(0).default(3).describe('random directions along which the loss is drawn'),
  radius: z.number().positive().default(1).describe('how far, in norms of the weights'),
  steps: whole.default(21).describe('places along a direction; one more where that is needed for 0 to be one'),
  normalise: z.enum(['tensor', 'filter']).default('tensor').describe('directions have the norm of each tensor, or of each filter'),
  std: z.number().positive().default(1e-3).describe('β of the perturbation that estimates the trace of G, as in the prior lmap'),
})

type Options = z.output<typeof flatnessOptions>

/** Losses along a random direction, [distance, loss] each. */
async function slice(at: LossAt, params: Values, key: HostKey, { radius, steps, normalise }: Options): Promise<[number, number][]> {
  const d = direction(params, key, normalise)
  const found: [number, number][] = []
  for (const t of places(radius, steps)) found.push([t, await at.loss(along(params, d, t))])
  return found
}

/** The same `count` rows of a split at every pass, padding after the last. */
const some = (count: number, key: HostKey): Sampler => ({
  rows({ splits }, split, step, size) {
    const chosen = key.permutation(splits[split]!).data.subarray(0, count)
    return value(
      Array.from({ length: size }, (_, i) => chosen[step * size + i] ?? -1),
      [size],
      'int32',
    )
  },
})

const pointOf = (posterior: Posterior) => {
  if (posterior.weights) return posterior.weights.point()
  throw new InputError({
    code: 'OCK-EVAL-020',
    what: 'flatness needs weights, and the posterior has none',
    where: 'flatness',
    remedy: 'use an inference over weights, such as map',
  })
}

/**
 * Of the mean loss on a split at the weights' point: `loss`; `hessian-trace` with its standard error `hessian-trace-error`, and per parameter
 * `hessian-mean`; `hessian-1`, …, the largest eigenvalues; `gram-trace`, tr G as the prior lmap sees it; `loss@radius`, the mean loss at the ends of
 * the directions, and the picture of all of them. The same rows, probes and directions whoever asks. Throws `OCK-EVAL-001`, `-020`.
 */
export const flatness = (options: Options): Evaluation => ({
  async evaluate(posterior, problem, run) {
    const { split, rows, batchSize, probes, eigenvalues, iterations, directions, radius, std } = options
    checkSplits(problem.dataset, [split], 'split')
    const vars = pointOf(posterior)
    const { params } = vars
    const key = hostKey(0).fold('flatness')
    const size = Math.min(batchSize, rows, problem.dataset.meta.splits[split]!)
    const read = batches(problem.dataset, split, { size, sampler: some(rows, key.fold('rows')), augment: false })
    const passes = Math.ceil(Math.min(rows, problem.dataset.meta.splits[split]!) / size)
    const fed: Values[] = []
    for (let i = 0; i < passes; i++) fed.push(await read(i, key))
    const at = await lossAt(run.engine, problem, vars, params, fed, key.fold('model'))
    const count = Object.values(params).reduce((sum, { data }) => sum + data.length, 0)
    const found = await traces(at, params, key.fold('trace'), probes)
    const top = eigenvalues > 0 ? await largest(at, params, key.fold('lanczos'), iterations, eigenvalues) : []
    const gram = await changes(at, params, key.fold('psi'), probes, std)
    const slices: [number, number][][] = []
    for (let i = 0; i < directions; i++) slices.push(await slice(at, params, key.fold('direction').fold(i), options))
    const loss = await at.loss(params)
    at.dispose()
    const trace = mean(found)
    const spread = Math.sqrt(found.reduce((sum, t) => sum + (t - trace) ** 2, 0) / (probes - 1) / probes)
    const ends = slices.flatMap((curve) => [curve[0]![1], curve.at(-1)![1]])
    return {
      values: {
        [`${split}/loss`]: loss,
        [`${split}/hessian-trace`]: trace,
        [`${split}/hessian-trace-error`]: spread,
        [`${split}/hessian-mean`]: trace / count,
        ...Object.fromEntries(top.map((v, i) => [`${split}/hessian-${i + 1}`, v])),
        [`${split}/gram-trace`]: mean(gram),
        ...(ends.length > 0 && { [`${split}/loss@${radius}`]: mean(Float64Array.from(ends)) }),
      },
      ...(slices.length > 0 && {
        tables: {
          [`${split}/landscape`]: slices.flatMap((curve, i) => curve.map(([distance, l]) => ({ direction: i + 1, distance, loss: l }))),
        },
        figures: {
          [`${split}/landscape`]: lines(
            slices.map((points, i) => ({ name: `direction ${i + 1}`, points })),
            { x: 'distance in norms of the weights', y: 'mean loss, nats' },
          ),
        },
      }),
    }
  },
})
