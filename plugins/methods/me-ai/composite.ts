import { auroc } from '../../parts/evaluation/index.js'

/** A number a row made of two features. */
export interface Composite {
  readonly name: string
  readonly values: Float64Array
}

const log = /^log /

/**
 * What the sign of C_ij says: below zero the label depends on the difference of the scaled features, read as the ratio; above, on
 * their sum, read as the product. On logarithms this is exact. Where a feature is not positive, ratio and product have no plain meaning,
 * and difference and sum of the features, each on [0, 1], stand for them.
 */
export function composite(names: readonly [string, string], a: Float64Array, b: Float64Array, correlation: number): Composite {
  const [first, second] = names
  const ratio = correlation < 0
  if (names.every((name) => log.test(name))) {
    const [p, q] = [first.replace(log, ''), second.replace(log, '')]
    return { name: ratio ? `${p} / ${q}` : `${p} · ${q}`, values: a.map((v, i) => (ratio ? v - b[i]! : v + b[i]!)) }
  }
  const clear = !names.some((name) => log.test(name)) && [...a, ...b].every((v) => v > 0)
  if (clear)
    return { name: ratio ? `${first} / ${second}` : `${first} · ${second}`, values: a.map((v, i) => (ratio ? v / b[i]! : v * b[i]!)) }
  const unit = (x: Float64Array): Float64Array => {
    const low = x.reduce((p, q) => Math.min(p, q), Infinity)
    const high = x.reduce((p, q) => Math.max(p, q), -Infinity)
    return x.map((v) => (v - low) / (high - low || 1))
  }
  const [p, q] = [unit(a), unit(b)]
  return { name: ratio ? `${first} − ${second}` : `${first} + ${second}`, values: p.map((v, i) => (ratio ? v - q[i]! : v + q[i]!)) }
}

/** The best single cut of a number between one class and the rest. */
export interface Cut {
  readonly accuracy: number
  readonly at: number
  /** Where the class is. */
  readonly side: 'above' | 'below'
  /** Area under the ROC curve, the better way round. */
  readonly auroc: number
}

/** The cut with the highest accuracy on the rows given: a rule of thumb to compare with, fitted where it is judged. */
export function bestCut(values: Float64Array, labels: ArrayLike<number>, positive: number): Cut {
  const order = Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!)
  const n = values.length
  const total = order.filter((i) => labels[i] === positive).length
  // With the cut below all rows, everything is above it.
  let best = { right: total, at: -Infinity, side: 'above' as Cut['side'] }
  let below = 0
  for (let k = 0; k < n; k++) {
    if (labels[order[k]!] === positive) below++
    const [here, next] = [values[order[k]!]!, k + 1 < n ? values[order[k + 1]!]! : Infinity]
    if (here === next) continue
    const at = next === Infinity ? here : (here + next) / 2
    const right = below + (n - total - (k + 1 - below))
    if (right > best.right) best = { right, at, side: 'below' }
    if (n - right > best.right) best = { right: n - right, at, side: 'above' }
  }
  const yes = values.filter((_, i) => labels[i] === positive)
  const no = values.filter((_, i) => labels[i] !== positive)
  const area = auroc(yes, no)
  return { accuracy: best.right / n, at: best.at, side: best.side, auroc: Math.max(area, 1 - area) }
}
