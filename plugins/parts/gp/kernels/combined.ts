import type { Value, Values } from 'ockham'
import { prefixed, under, type Kernel } from './kernel.js'

const part = (p: Values, k: number): Values => under(`${k}.`, p)
const gather = (parts: readonly Values[]): Values => Object.assign({}, ...parts.map((v, k) => prefixed(`${k}.`, v))) as Values

const combined = (values: readonly Value[], with_: (x: number, y: number) => number): Value =>
  values.reduce((a, b) => ({ ...a, data: (a.data as Float64Array).map((x, i) => with_(x, b.data[i]!)) }))

const plus = (x: number, y: number): number => x + y
const times = (x: number, y: number): number => x * y

/** k₀ + k₁ + …; parameters of part i are called `i.<name>`. */
export const sum = (parts: readonly Kernel[]): Kernel => ({
  init: (d, key) => gather(parts.map((k, i) => k.init(d, key.fold(i)))),
  covariance: (p, a, b) =>
    combined(
      parts.map((k, i) => k.covariance(part(p, i), a, b)),
      plus,
    ),
  variance: (p, x) =>
    combined(
      parts.map((k, i) => k.variance(part(p, i), x)),
      plus,
    ),
  pull: (p, a, b, by) => gather(parts.map((k, i) => k.pull(part(p, i), a, b, by))),
  pullVariance: (p, x, by) => gather(parts.map((k, i) => k.pullVariance(part(p, i), x, by))),
})

/** k₀ · k₁ · …: what part i sees is the derivative times all other parts. */
export function product(parts: readonly Kernel[]): Kernel {
  const others = (values: readonly Value[], by: Value, i: number): Value => combined([by, ...values.filter((_, k) => k !== i)], times)
  return {
    init: (d, key) => gather(parts.map((k, i) => k.init(d, key.fold(i)))),
    covariance: (p, a, b) =>
      combined(
        parts.map((k, i) => k.covariance(part(p, i), a, b)),
        times,
      ),
    variance: (p, x) =>
      combined(
        parts.map((k, i) => k.variance(part(p, i), x)),
        times,
      ),
    pull(p, a, b, by) {
      const values = parts.map((k, i) => k.covariance(part(p, i), a, b))
      return gather(parts.map((k, i) => k.pull(part(p, i), a, b, others(values, by, i))))
    },
    pullVariance(p, x, by) {
      const values = parts.map((k, i) => k.variance(part(p, i), x))
      return gather(parts.map((k, i) => k.pullVariance(part(p, i), x, others(values, by, i))))
    },
  }
}
