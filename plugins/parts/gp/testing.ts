import type { Value, Values } from 'ockham'
import { matrix } from '../linalg/index.js'
import { above, between, positive } from './kernels/constraint.js'
import { factors } from './kernels/metric.js'
import { exponential } from './kernels/profile.js'
import { stationary } from './kernels/stationary.js'
import type { Kernel } from './kernels/kernel.js'
import { scaled } from './kernels/metric.js'

/** s · exp(−Δ²/2ℓ²) with its parameters. */
export function squaredExponential(variance: number, lengthScale: number): { kernel: Kernel; p: Values } {
  const kernel = stationary({ profile: exponential, metric: scaled({ lengthScale, ard: false }), variance, constraint: positive })
  return { kernel, p: { variance: matrix([1], [Math.log(variance)]), lengthScale: matrix([1], [Math.log(lengthScale)]) } }
}

/** The paper's kernel at given P [d, q], ℓ, λ and s. */
export function factorAnalysis(
  directions: readonly (readonly number[])[],
  ell: readonly number[],
  lambda: readonly number[],
  s: number,
): { kernel: Kernel; p: Values } {
  const rank = ell.length
  const bounds = [0.01, 100] as const
  const raw = between(...bounds).raw
  const kernel = stationary({ profile: exponential, metric: factors({ rank, lengthScale: 1, bounds }), variance: s, constraint: above(0) })
  return {
    kernel,
    p: {
      directions: matrix([directions.length, rank], directions.flat()),
      factorScale: matrix([rank], ell.map(raw)),
      lengthScale: matrix([lambda.length], lambda.map(raw)),
      variance: matrix([1], [above(0).raw(s)]),
    },
  }
}

export const hyperOf = (p: Values, mean: readonly number[]): Values => ({
  mean: matrix([mean.length], mean),
  ...Object.fromEntries(Object.entries(p).map(([name, v]) => [`kernel.${name}`, v])),
})

export const column = (x: readonly number[]): Value => matrix([x.length, 1], x)

/** Central differences of a scalar function of Values, entry by entry. */
export function differences(f: (p: Values) => number, p: Values, h = 1e-5): Values {
  const at = (name: string, i: number, by: number): number => {
    const v = p[name]!
    return f({ ...p, [name]: { ...v, data: Float64Array.from(v.data, (x, k) => (k === i ? x + by : x)) } })
  }
  const of = (name: string, v: Value): Value => ({
    ...v,
    data: Float64Array.from(v.data, (_, i) => (at(name, i, h) - at(name, i, -h)) / (2 * h)),
  })
  return Object.fromEntries(Object.entries(p).map(([name, v]) => [name, of(name, v)]))
}
