import type { Value, Values, Variables } from 'ockham'
import { floats, map, prefix, under, value, type Collector } from '../../parts/training/index.js'

/** What SWAG keeps of the weights θ_1 … θ_n that it saw. */
export interface Moments {
  /** n. */
  readonly count: number
  /** Mean of the θ_i. */
  readonly mean: Values
  /** Mean of their squares. */
  readonly squares: Values
  /** θ_i − (mean of θ_1 … θ_i) for the last K of them, oldest first. */
  readonly deviations: readonly Values[]
}

/** No weights yet; shapes are those of `params`. */
export const none = (params: Values): Moments => {
  const zero = map(params, ({ shape, data }): Value => ({ shape, dtype: 'float64', data: new Float64Array(data.length) }))
  return { count: 0, mean: zero, squares: zero, deviations: [] }
}

const float64 = (like: Value, f: (i: number) => number): Value => ({
  shape: like.shape,
  dtype: 'float64',
  data: Float64Array.from({ length: like.data.length }, (_, i) => f(i)),
})

/**
 * The moments with one θ more. Running means in float64; the deviation is from the mean that already holds θ, as in Maddox et al. 2019,
 * section 3.2, and the oldest goes where there are more than `rank`.
 */
export function seen({ count, mean, squares, deviations }: Moments, params: Values, rank: number): Moments {
  const n = count + 1
  const next = map(mean, (m, name) => float64(m, (i) => m.data[i]! + (params[name]!.data[i]! - m.data[i]!) / n))
  const second = map(squares, (s, name) => float64(s, (i) => s.data[i]! + (params[name]!.data[i]! ** 2 - s.data[i]!) / n))
  const deviation = map(next, (m, name): Value => ({
    shape: m.shape,
    dtype: 'float32',
    data: floats(m.data, (v, i) => params[name]!.data[i]! - v),
  }))
  return { count: n, mean: next, squares: second, deviations: rank > 0 ? [...deviations, deviation].slice(-rank) : [] }
}

/** Variances below this are this: those of weights that never moved. */
const least = 1e-30

/** d = max(mean of squares − squared mean, 1e-30). */
export const variances = ({ mean, squares }: Moments): Values =>
  map(mean, (m, name) => float64(m, (i) => Math.max(squares[name]!.data[i]! - m.data[i]! * m.data[i]!, least)))

/** Moments as Values, to be saved. */
export const savedMoments = ({ count, mean, squares, deviations }: Moments): Values => ({
  count: value([count], []),
  ...prefix('mean.', mean),
  ...prefix('squares.', squares),
  ...Object.fromEntries(deviations.flatMap((d, k) => Object.entries(prefix(`deviation${k}.`, d)))),
})

/** The inverse of {@link savedMoments}. */
export function restoredMoments(values: Values): Moments {
  const deviations: Values[] = []
  for (let k = 0; Object.keys(under(`deviation${k}.`, values)).length > 0; k++) deviations.push(under(`deviation${k}.`, values))
  return { count: values['count']!.data[0]!, mean: under('mean.', values), squares: under('squares.', values), deviations }
}

/** Collects the weights of a descent after every `every` steps, from step `start` on. */
export class Trajectory implements Collector {
  moments: Moments

  constructor(
    params: Values,
    readonly every: number,
    readonly start: number,
    readonly rank: number,
  ) {
    this.moments = none(params)
  }

  at(done: number, { params }: Variables<Value>): void {
    if (done > this.start && (done - this.start) % this.every === 0) this.moments = seen(this.moments, params, this.rank)
  }

  save(): Values {
    return savedMoments(this.moments)
  }

  load(saved: Values): void {
    this.moments = restoredMoments(saved)
  }
}
