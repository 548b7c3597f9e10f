/* Problems of the golden numbers: a linear regression, a small network, a softmax regression. */
import { hostKey, type Dataset, type Engine, type Model, type Problem, type Value, type Values, type Variables } from 'ockham'
import { expect } from 'vitest'
import { gaussian, crossEntropy } from '../../parts/objectives/index.js'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { normal } from '../../parts/priors/index.js'
import { fromWeights, pointMass, value } from '../../parts/training/index.js'
import { inMemory, testRun } from '../../parts/training/testing.js'
import { given } from '../../parts/training/index.js'
import { laplace } from './laplace.js'
import { laplaceOptions, type LaplaceOptions } from './options.js'
import type { LaplacePosterior } from './posterior.js'

export const table = (rows: readonly (readonly number[])[]): Value => value(rows.flat(), [rows.length, rows[0]!.length])

/** Points and targets of G1, a line through four points. */
export const line = { x: table([[0], [1], [2], [3]]), y: table([[0.1], [0.9], [2.1], [2.9]]) }

const variables = (params: Values): Variables<Value> => ({ params, frozen: {}, state: {} })

/** A problem whose initial posterior is a point. */
export async function at(problem: Omit<Problem, 'initial'>, params: Values, engine: Engine): Promise<Problem> {
  return { ...problem, initial: fromWeights(problem, engine, pointMass(variables(params))) }
}

/** G1: Bayesian linear regression with noise ½ and prior precision 2, at its mean; parameters are slope (kernel) and intercept (bias). */
export const g1 = (engine: Engine, precision = 2, noise = 0.5): Promise<Problem> =>
  at(
    {
      model: mlp(mlpOptions.parse({ hidden: [] })),
      dataset: inMemory({ train: line, test: line }),
      objective: gaussian({ noise }),
      prior: normal({ scale: 1 / Math.sqrt(precision) }),
      examples: 4,
    },
    { 'head.kernel': table([[0.8923076923]]), 'head.bias': value([0.1435897436]) },
    engine,
  )

/** G2: a 1-2-1 network with tanh, noise 0.3, prior precision 1.5. */
export const g2 = (engine: Engine, changes: { readonly noise?: number; readonly precision?: number } = {}): Promise<Problem> =>
  at(
    {
      model: mlp(mlpOptions.parse({ hidden: [2], activation: 'tanh' })),
      dataset: inMemory({ train: { x: table([[-1], [0], [1], [2]]), y: table([[-0.9], [0.3], [0.8], [0.5]]) } }),
      objective: gaussian({ noise: changes.noise ?? 0.3 }),
      prior: normal({ scale: 1 / Math.sqrt(changes.precision ?? 1.5) }),
      examples: 4,
    },
    {
      'layer0.kernel': table([[0.8, -0.6]]),
      'layer0.bias': value([0.1, 0.2]),
      'head.kernel': table([[1.2], [-0.7]]),
      'head.bias': value([0.05]),
    },
    engine,
  )

/** A linear regression on eight numbers of which the data have two directions, at weights of zero. */
export function wide(engine: Engine): Promise<Problem> {
  const key = hostKey(2)
  const [along, ends] = [key.fold('along').normal([12, 1]).data, key.fold('ends').normal([1, 8]).data]
  const x = value(
    Array.from({ length: 96 }, (_, i) => along[Math.floor(i / 8)]! * ends[i % 8]!),
    [12, 8],
  )
  const problem: Problem = {
    model: mlp(mlpOptions.parse({ hidden: [] })),
    dataset: inMemory({ train: { x, y: value(along, [12, 1]) } }),
    objective: gaussian({ noise: 0.3 }),
    prior: normal({ scale: 1 }),
    examples: 12,
  }
  return at(problem, { 'head.kernel': value(new Float32Array(8), [8, 1]), 'head.bias': value([0]) }, engine)
}

/** G30: a softmax regression at given weights; kernels here are [in, out], the brief's are [out, in]. */
export const g30 = (engine: Engine): Promise<Problem> =>
  at(
    {
      model: mlp(mlpOptions.parse({ hidden: [] })),
      dataset: inMemory(
        {
          train: {
            x: table([
              [1, 0],
              [0, 1],
              [1, 1],
              [-1, 0.5],
            ]),
            y: value([0, 1, 2, 1], [4], 'int32'),
          },
        },
        { classes: ['a', 'b', 'c'] },
      ),
      objective: crossEntropy(),
      prior: normal({ scale: 1 }),
      examples: 4,
    },
    {
      'head.kernel': table([
        [0.5, -0.3, 0.1],
        [-0.2, 0.4, 0.1],
      ]),
      'head.bias': value([0.1, 0, -0.1]),
    },
    engine,
  )

/** Every training row so many times. */
export function repeated(dataset: Dataset, times: number): Dataset {
  const count = dataset.meta.splits['train']!
  return {
    ...dataset,
    meta: { ...dataset.meta, splits: { ...dataset.meta.splits, train: count * times } },
    read: (split, rows) => dataset.read(split, { ...rows, data: Int32Array.from(rows.data, (r) => r % count) }),
  }
}

export type Options = Partial<Omit<LaplaceOptions, 'after'>>

/** Laplace around the initial weights as they are. */
export async function around(problem: Problem, engine: Engine, options: Options = {}): Promise<LaplacePosterior> {
  const parsed = { ...laplaceOptions.parse({ subset: 'all', tune: 'none', ...options }), after: given({}, { engine }) } as LaplaceOptions
  return (await laplace(parsed, { engine }).infer(problem, testRun(engine).run)) as LaplacePosterior
}

export const model = (apply: Model['apply'], params: Values): Model => ({ init: () => variables(params), apply })

/** Numbers that agree to `tolerance` of their size, or of 1 where they are smaller. */
export function close(got: ArrayLike<number>, wanted: readonly number[], tolerance = 2e-5): void {
  expect(Array.from(got).length).toBe(wanted.length)
  wanted.forEach((w, i) => expect(Math.abs(got[i]! - w), `${got[i]} for ${w} at ${i}`).toBeLessThan(tolerance * Math.max(1, Math.abs(w))))
}
