import type { Engine, Posterior, Problem, Saved, Value, Variables } from 'ockham'
import { InputError } from 'ockham'
import { average } from './average.js'
import { predictor, type PredictorOptions } from './predict.js'
import { flatten, unflatten } from './trees.js'

/** A point mass at `vars` as a distribution over weights. */
export const pointMass = (vars: Variables<Value>): NonNullable<Posterior['weights']> => ({
  point: () => vars,
  sample: () => Promise.resolve(vars),
})

/**
 * A posterior over weights. `predict` passes inputs in padded batches through one compiled program; with `samples` it
 * averages the distributions of that many draws and keeps them as `members`, otherwise it predicts at the point.
 * `extra` adds what the posterior knows beside (`gaussian`, `evidence`, `message`) or replaces members.
 */
export function fromWeights(
  problem: Problem,
  engine: Engine,
  weights: NonNullable<Posterior['weights']>,
  extra: Partial<Posterior> = {},
  options: PredictorOptions = {},
): Posterior {
  let made: ReturnType<typeof predictor> | undefined
  return {
    weights,
    async predict(x, { samples = 0, key } = {}) {
      const at = (made ??= predictor(problem, engine, options))
      if (samples === 0) return at(weights.point(), x, options.train ? key : undefined)
      if (!key)
        throw new InputError({
          code: 'OCK-TRAIN-005',
          what: `${samples} samples were asked for without a key`,
          where: 'predict',
          remedy: 'pass key, for instance run.key.fold("predict")',
        })
      const members = []
      for (let s = 0; s < samples; s++) {
        const stream = key.fold(s)
        members.push(await at(await weights.sample(stream.fold('weights')), x, options.train ? stream.fold('masks') : undefined))
      }
      return average(members)
    },
    save: () => ({ kind: 'weights', values: flatten(weights.point()), meta: null }),
    ...extra,
  }
}

/** The weights in what `fromWeights` saved. Throws `OCK-TRAIN-006` for another kind. */
export function savedWeights(saved: Saved): Variables<Value> {
  if (saved.kind === 'weights') return unflatten(saved.values)
  throw new InputError({
    code: 'OCK-TRAIN-006',
    what: `what was saved is a posterior of kind ${saved.kind}, not weights`,
    where: 'restore',
    remedy: 'restore it with the inference that made it',
  })
}
