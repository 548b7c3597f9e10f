import type { HostKey, Value, Values } from 'ockham'
import { map } from '../../parts/training/index.js'

export type Normalise = 'tensor' | 'filter'

/** Sums of squares of entries that share their place modulo `filters`. */
function energies(data: ArrayLike<number>, filters: number): Float64Array {
  const sums = new Float64Array(filters)
  for (let i = 0; i < data.length; i++) sums[i % filters]! += data[i]! * data[i]!
  return sums
}

/** `d` with the norm of `like`: of the whole tensor (one filter), or of each filter, that is of all weights into one output (the last axis). */
function scaled(d: Float32Array, like: Value['data'], filters: number): Float32Array {
  const [own, wanted] = [energies(d, filters), energies(like, filters)]
  const factors = wanted.map((w, f) => Math.sqrt(w / (own[f]! || 1)))
  return d.map((x, i) => x * factors[i % filters]!)
}

/**
 * A random direction with the norms of the weights, Li et al. 2018: normal numbers rescaled to the norm of each tensor, or of each of its filters.
 * Biases and parameters of norms, vectors all, get zero.
 */
export const direction = (params: Values, key: HostKey, normalise: Normalise = 'tensor'): Values =>
  map(params, ({ shape, data }, name) => {
    if (shape.length < 2) return { shape, dtype: 'float32', data: new Float32Array(data.length) }
    const drawn = key.fold(name).normal(shape).data as Float32Array
    return { shape, dtype: 'float32', data: scaled(drawn, data, normalise === 'filter' ? shape.at(-1)! : 1) }
  })

/** p + t d. */
export const along = (params: Values, d: Values, t: number): Values =>
  map(params, (p, name) => ({ ...p, data: (p.data as Float32Array).map((x, i) => x + t * d[name]!.data[i]!) }))

/** `steps` places from −radius to radius, one more where that is needed for 0 to be among them. */
export function places(radius: number, steps: number): number[] {
  const n = steps % 2 === 0 ? steps + 1 : steps
  return Array.from({ length: n }, (_, i) => (n === 1 ? 0 : (radius * (2 * i - (n - 1))) / (n - 1)))
}
