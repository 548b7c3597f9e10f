import type { HostKey, Value, Values } from 'ockham'
import type { TracedProfile } from './traced-profile.js'

/** A covariance function with unconstrained parameters. All numbers are float64, on the host. */
export interface Kernel {
  /** Parameters at their start for inputs of `dimensions` numbers. */
  init(dimensions: number, key: HostKey): Values
  /** Covariance of the rows of `a` [n, d] and `b` [m, d] → [n, m]; symmetric to the bit where `a` is `b`. */
  covariance(p: Values, a: Value, b: Value): Value
  /** Diagonal of the covariance of `x` with itself → [n]. */
  variance(p: Values, x: Value): Value
  /** Derivatives in the parameters, under the same names, from those in the covariance [n, m]. */
  pull(p: Values, a: Value, b: Value, by: Value): Values
  /** The same from derivatives in the variance [n]. */
  pullVariance(p: Values, x: Value, by: Value): Values
  /** Where the covariance is s f(‖z − z'‖²) for a linear map z of x, and the runtime can make and differentiate it. */
  readonly embedded?: Embedded
  /** M [d, d] where the covariance depends on (x − x')ᵀ M (x − x') alone. */
  metric?(p: Values, dimensions: number): Value
}

export interface Embedded {
  readonly profile: TracedProfile
  /** z [n, k] of the rows, centred, and log s. */
  embed(p: Values, x: Value): { readonly z: Float64Array; readonly logVariance: number }
  /** Derivatives in the parameters from Σ_j W_ij [x_j, 1] [n, d + 1], W = ∂L/∂K ∘ s f′ being symmetric, and from the derivative in log s. */
  pull(p: Values, x: Value, products: Float64Array, byLogVariance: number): Values
}

declare module 'ockham' {
  interface Kinds {
    kernel: Kernel
  }
}

export const vector = (data: ArrayLike<number>): Value => {
  const doubles = data instanceof Float64Array ? data : Float64Array.from(data)
  return { shape: [doubles.length], dtype: 'float64', data: doubles }
}

/** n of [n, d]. */
export const rowsOf = (x: Value): number => x.shape[0]!
export const widthOf = (x: Value): number => x.shape[1] ?? 1

/** Entries of `values` whose names begin with `prefix`, without it. */
export const under = (prefix: string, values: Values): Values =>
  Object.fromEntries(Object.entries(values).flatMap(([name, v]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), v]] : [])))

export const prefixed = (prefix: string, values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, v]) => [prefix + name, v]))

/** Adds entries of the same name. */
export function added(a: Values, b: Values): Values {
  const sum = (name: string, v: Value): Value =>
    b[name] ? { ...v, data: (v.data as Float64Array).map((x, i) => x + b[name]!.data[i]!) } : v
  return { ...b, ...Object.fromEntries(Object.entries(a).map(([name, v]) => [name, sum(name, v)])) }
}

/** Σ_i a_i b_i. */
export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
