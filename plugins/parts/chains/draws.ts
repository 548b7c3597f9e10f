import {
  InputError,
  type Engine,
  type HostKey,
  type Posterior,
  type Problem,
  type Saved,
  type Values,
  type Variables,
  type Value,
} from 'ockham'
import { averagedOver, flatten, fromWeights, prefix, under, unflatten, type Collector } from '../training/index.js'

/** Weights that a sampler visited: what is frozen is kept once. */
export interface Draws {
  readonly frozen: Values
  readonly visited: readonly Pick<Variables<Value>, 'params' | 'state'>[]
}

/** Keeps the weights at some steps of a descent. */
export class Visits implements Collector {
  readonly #at: ReadonlySet<number>
  visited: Draws['visited'] = []

  constructor(
    readonly every: number,
    at: readonly number[],
  ) {
    this.#at = new Set(at)
  }

  at(done: number, { params, state }: Variables<Value>): void {
    if (this.#at.has(done)) this.visited = [...this.visited, { params, state }]
  }

  save(): Values {
    return savedDraws({ frozen: {}, visited: this.visited })
  }

  load(saved: Values): void {
    this.visited = restoredDraws(saved).visited
  }
}

/** Draws as Values. */
export const savedDraws = ({ frozen, visited }: Draws): Values => ({
  ...prefix('frozen.', frozen),
  ...Object.fromEntries(visited.flatMap((d, i) => Object.entries(prefix(`draw${i}.`, flatten({ ...d, frozen: {} }))))),
})

/** The inverse of {@link savedDraws}. */
export function restoredDraws(values: Values): Draws {
  const visited: Draws['visited'][number][] = []
  for (let i = 0; ; i++) {
    const at = under(`draw${i}.`, values)
    if (Object.keys(at).length === 0) return { frozen: under('frozen.', values), visited }
    const { params, state } = unflatten(at)
    visited.push({ params, state })
  }
}

/**
 * The posterior that draws stand for, each as likely: predictions average all of them, or as many drawn at random as are asked for. Its point is
 * the last draw, since the mean of weights is no likely weight.
 */
export function drawsPosterior(problem: Problem, engine: Engine, draws: Draws): Posterior {
  const { frozen, visited } = draws
  const at = (i: number): Variables<Value> => ({ ...visited[i]!, frozen })
  const plain = fromWeights(problem, engine, {
    point: () => at(visited.length - 1),
    sample: (key: HostKey) => Promise.resolve(at(key.fold('which').integers([1], visited.length).data[0]!)),
  })
  return {
    ...plain,
    predict: averagedOver(problem, engine, plain, visited.length, at),
    save: () => ({ kind: 'draws', values: savedDraws(draws), meta: null }),
  }
}

/** What {@link drawsPosterior} saved. Throws `OCK-MCMC-001` for another kind. */
export function draws({ kind, values }: Saved): Draws {
  if (kind === 'draws') return restoredDraws(values)
  throw new InputError({
    code: 'OCK-MCMC-001',
    what: `what was saved is a posterior of kind ${kind}, not draws`,
    where: 'restore',
    remedy: 'restore it with the inference that made it',
  })
}
