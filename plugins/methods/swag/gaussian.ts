import type { HostKey, Value, Values } from 'ockham'
import { map } from '../../parts/training/index.js'
import { variances, type Moments } from './moments.js'

/** How the spread is modelled: none, a variance a weight, or that with the last deviations as directions. */
export type Form = 'average' | 'diagonal' | 'low-rank'

/** Standard normal numbers of one draw: `own` a weight, `shared` a direction, the same for all layers. */
export interface Noise {
  readonly own: Values
  readonly shared: ArrayLike<number>
}

export const noiseOf = (key: HostKey, { mean, deviations }: Moments): Noise => ({
  own: map(mean, ({ shape }, name) => key.fold('own').fold(name).normal(shape)),
  shared: key.fold('shared').normal([deviations.length]).data,
})

/**
 * A draw, Maddox et al. 2019, equation 1: mean + c (√d ⊙ z₁/√2 + D z₂/√(2(K−1))), K the columns that D has; with `diagonal` mean + c √d ⊙ z₁.
 * c is the square root of `scale`, a factor on the covariance.
 */
export function drawn(moments: Moments, form: Form, { own, shared }: Noise, scale: number): Record<string, Value> {
  const { mean, deviations } = moments
  const columns = deviations.length
  const spread = variances(moments)
  const c = Math.sqrt(scale)
  const direct = form === 'diagonal' ? c : c / Math.SQRT2
  const across = form === 'low-rank' && columns > 1 ? c / Math.sqrt(2 * (columns - 1)) : 0
  return map(mean, (m, name): Value => {
    const data = new Float32Array(m.data.length)
    for (let i = 0; i < data.length; i++) {
      let x = m.data[i]!
      if (form !== 'average') x += direct * Math.sqrt(spread[name]!.data[i]!) * own[name]!.data[i]!
      if (across > 0) for (let k = 0; k < columns; k++) x += across * deviations[k]![name]!.data[i]! * shared[k]!
      data[i] = x
    }
    return { shape: m.shape, dtype: 'float32', data }
  })
}

/** The mean, float32. */
export const centre = ({ mean }: Moments): Record<string, Value> =>
  map(mean, ({ shape, data }): Value => ({ shape, dtype: 'float32', data: Float32Array.from(data) }))
