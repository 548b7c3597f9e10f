import type { Engine, Posterior, Problem, Saved, Value, Variables } from 'ockham'
import { hostKey, InputError } from 'ockham'
import { parametric, publishedIn } from '../networks/index.js'
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
    save: () => savedOf(weights.point()),
    ...extra,
  }
}

/** How frozen numbers of a published file are saved: not at all, but for where they are. */
interface Elsewhere {
  readonly published: { readonly path: string; readonly digest: string }
}

/** Weights as they are saved: without what is frozen and lies in a published file, whose path and digest say which it is. */
function savedOf({ params, frozen, state }: Variables<Value>): Saved {
  const origin = Object.values(frozen).map(publishedIn).find(Boolean)
  const own = Object.fromEntries(Object.entries(frozen).filter(([, v]) => !origin || publishedIn(v) !== origin))
  const meta = origin ? { published: { path: origin.path, digest: origin.digest() } } : null
  return { kind: 'weights', values: flatten({ params, frozen: own, state }), meta }
}

/**
 * The weights in what `fromWeights` saved; those of a published file are read from it again by the problem's model. Throws `OCK-TRAIN-006` for
 * another kind, `-012` where the file is no longer what it was, and what the model throws where it is missing.
 */
export async function savedWeights(saved: Saved, problem: Problem): Promise<Variables<Value>> {
  if (saved.kind !== 'weights')
    throw new InputError({
      code: 'OCK-TRAIN-006',
      what: `what was saved is a posterior of kind ${saved.kind}, not weights`,
      where: 'restore',
      remedy: 'restore it with the inference that made it',
    })
  const own = unflatten(saved.values)
  const elsewhere = saved.meta as unknown as Elsewhere | null
  if (!elsewhere?.published) return own
  const { path, digest } = elsewhere.published
  const { frozen } = await parametric(problem.model).init(hostKey(0), problem.dataset.meta)
  const read = Object.fromEntries(Object.entries(frozen).filter(([, v]) => publishedIn(v)))
  const found = Object.values(read).map(publishedIn)[0]?.digest()
  if (found !== digest)
    throw new InputError({
      code: 'OCK-TRAIN-012',
      what: `the frozen weights are those of a file with SHA-256 ${digest}, and ${found ? `the file there has ${found}` : 'the model reads none'}`,
      where: path,
      remedy: 'put the file that was learnt on in its place',
    })
  return { ...own, frozen: { ...read, ...own.frozen } }
}
