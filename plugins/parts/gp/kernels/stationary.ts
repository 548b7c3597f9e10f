import type { Value, Values } from 'ockham'
import type { Constraint } from './constraint.js'
import { inner, rowsOf, vector, widthOf, type Embedded, type Kernel } from './kernel.js'
import { metricOf, type Metric } from './metric.js'
import { shape as shapeOf, type Profile } from './profile.js'
import { traced, type TracedProfile } from './traced-profile.js'

/** Rows of x in the space where the metric is the plain one: x Rᵀ [n, k]. */
function projected(x: Value, root: { rows: number; data: Float64Array }): Float64Array {
  const [n, d, k] = [rowsOf(x), widthOf(x), root.rows]
  const out = new Float64Array(n * k)
  for (let i = 0; i < n; i++)
    for (let r = 0; r < k; r++) {
      let sum = 0
      for (let j = 0; j < d; j++) sum += x.data[i * d + j]! * root.data[r * d + j]!
      out[i * k + r] = sum
    }
  return out
}

/** ‖a_i − b_j‖², by differences: the square of a sum would cancel. */
function distance(a: Float64Array, i: number, b: Float64Array, j: number, k: number): number {
  let sum = 0
  for (let r = 0; r < k; r++) {
    const d = a[i + r]! - b[j + r]!
    sum += d * d
  }
  return sum
}

/** The same parameters, by identity of each. */
const equal = (a: Values, b: Values): boolean => Object.entries(b).every(([name, v]) => a[name] === v)

/** Rows and columns of a tile that fits the first cache, both ways round. */
const tile = 32

export interface StationaryOptions {
  readonly profile: Profile
  readonly metric: Metric
  readonly variance: number
  readonly constraint: Constraint
  readonly alpha?: number
}

/** k(x, x') = s · f((x − x')ᵀ M (x − x')). The gradient needs one d × d matrix and no n × n × d tensor. */
export function stationary({ profile, metric, variance: start, constraint, alpha = 1 }: StationaryOptions): Kernel {
  const scaleOf = (p: Values): number => constraint.value(p['variance']!.data[0]!)
  const alphaOf = (p: Values): number => (profile.shaped ? shapeOf.value(p['shape']!.data[0]!) : 1)
  let last: { p: Values; a: Value; b: Value; k: Value } | undefined

  function covariance(p: Values, a: Value, b: Value): Value {
    const [n, m, d] = [rowsOf(a), rowsOf(b), widthOf(a)]
    const root = metric.root(p, d)
    const [s, shape, k] = [scaleOf(p), alphaOf(p), root.rows]
    const same = a === b
    const za = projected(a, root)
    const zb = same ? za : projected(b, root)
    const data = new Float64Array(n * m)
    for (let i = 0; i < n; i++) {
      const end = same ? i : m
      for (let j = 0; j < end; j++) data[i * m + j] = s * profile.value(distance(za, i * k, zb, j * k, k), shape)
      if (!same) continue
      for (let j = 0; j < i; j++) data[j * m + i] = data[i * m + j]!
      data[i * m + i] = s
    }
    last = { p, a, b, k: { shape: [n, m], dtype: 'float64', data } }
    return last.k
  }

  function pull(p: Values, a: Value, b: Value, by: Value): Values {
    const known = last && equal(last.p, p) && last.a === a && last.b === b ? last.k : covariance(p, a, b)
    const [n, m, d] = [rowsOf(a), rowsOf(b), widthOf(a)]
    const [s, shape] = [scaleOf(p), alphaOf(p)]
    const same = a === b
    const root = metric.root(p, d)
    const needed = !profile.closed
    const za = needed ? projected(a, root) : new Float64Array(0)
    const zb = needed ? (same ? za : projected(b, root)) : za
    const [x, y, g, c] = [a.data, b.data, by.data, known.data]
    const byMetric = new Float64Array(d * d)
    // Σ_ij w_ij (x_i − y_j)(x_i − y_j)ᵀ needs the sums of w over rows and columns, and w y.
    const [rows, columns, along] = [new Float64Array(n), new Float64Array(m), new Float64Array(n * d)]
    let [byScale, byShape] = [0, 0]
    // In tiles: of a symmetric matrix the entry across the diagonal is read too, and lies a whole row away from its neighbour.
    for (let top = 0; top < n; top += tile)
      for (let left = 0; left < (same ? top + 1 : m); left += tile)
        for (let i = top; i < Math.min(n, top + tile); i++) {
          const end = Math.min(left + tile, same ? i : m)
          for (let j = left; j < end; j++) {
            // Of a symmetric pair one is seen, for both.
            const weight = same ? g[i * m + j]! + g[j * m + i]! : g[i * m + j]!
            const f = c[i * m + j]! / s
            const u = needed ? distance(za, i * root.rows, zb, j * root.rows, root.rows) : 0
            byScale += weight * f
            if (profile.byShape) byShape += weight * s * profile.byShape(u, f, shape)
            const w = weight * s * profile.slope(u, f, shape)
            rows[i]! += w
            columns[j]! += w
            for (let q = 0; q < d; q++) along[i * d + q]! += w * y[j * d + q]!
          }
        }
    if (same) for (let i = 0; i < n; i++) byScale += g[i * m + i]!
    for (let i = 0; i < n; i++)
      for (let q = 0; q < d; q++)
        for (let r = 0; r <= q; r++) {
          const [xq, xr] = [x[i * d + q]!, x[i * d + r]!]
          byMetric[q * d + r]! += rows[i]! * xq * xr - xq * along[i * d + r]! - along[i * d + q]! * xr
        }
    for (let j = 0; j < m; j++)
      for (let q = 0; q < d; q++) for (let r = 0; r <= q; r++) byMetric[q * d + r]! += columns[j]! * y[j * d + q]! * y[j * d + r]!
    for (let q = 0; q < d; q++) for (let r = 0; r < q; r++) byMetric[r * d + q] = byMetric[q * d + r]!
    return {
      ...metric.pull(p, byMetric, d),
      variance: vector([byScale * constraint.slope(p['variance']!.data[0]!)]),
      ...(profile.shaped ? { shape: vector([byShape * shapeOf.slope(p['shape']!.data[0]!)]) } : {}),
    }
  }

  const embedded = (by: TracedProfile): Embedded => ({
    profile: by,
    embed(p, x) {
      const root = metric.root(p, widthOf(x))
      const z = projected(x, root)
      const [n, k] = [rowsOf(x), root.rows]
      const centre = new Float64Array(k)
      for (let i = 0; i < n * k; i++) centre[i % k]! += z[i]! / n
      return { z: z.map((v, i) => v - centre[i % k]!), logVariance: Math.log(scaleOf(p)) }
    },
    pull(p, x, products, byLogVariance) {
      const [n, d] = [rowsOf(x), widthOf(x)]
      const byMetric = new Float64Array(d * d)
      // Σ_ij W_ij (x_i − x_j)(x_i − x_j)ᵀ.
      for (let i = 0; i < n; i++) {
        const row = products[i * (d + 1) + d]!
        for (let q = 0; q < d; q++) {
          const at = x.data[i * d + q]!
          for (let r = 0; r < d; r++) byMetric[q * d + r]! += 2 * at * (row * x.data[i * d + r]! - products[i * (d + 1) + r]!)
        }
      }
      for (let q = 0; q < d; q++)
        for (let r = 0; r < q; r++) byMetric[q * d + r] = byMetric[r * d + q] = (byMetric[q * d + r]! + byMetric[r * d + q]!) / 2
      const byVariance = (byLogVariance / scaleOf(p)) * constraint.slope(p['variance']!.data[0]!)
      return { ...metric.pull(p, byMetric, d), variance: vector([byVariance]) }
    },
  })
  const onRuntime = traced.get(profile)

  return {
    ...(onRuntime && { embedded: embedded(onRuntime) }),
    init: (d, key) => ({
      ...metric.init(d, key),
      variance: vector([constraint.raw(start)]),
      ...(profile.shaped ? { shape: vector([shapeOf.raw(alpha)]) } : {}),
    }),
    covariance,
    variance: (p, x) => vector(new Float64Array(rowsOf(x)).fill(scaleOf(p))),
    pull,
    pullVariance(p, x, by) {
      const zeros = Object.fromEntries(Object.entries(p).map(([name, v]) => [name, { ...v, data: new Float64Array(v.data.length) }]))
      const total = inner(by.data, new Float64Array(rowsOf(x)).fill(1))
      return { ...zeros, variance: vector([total * constraint.slope(p['variance']!.data[0]!)]) }
    },
    metric: (p, d) => metricOf(metric, p, d),
  }
}
