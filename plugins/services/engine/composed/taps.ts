import type { Tensor } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'

const { tf } = kit

/** How windows lie along one axis. */
export interface Along {
  readonly size: number
  readonly out: number
  readonly taps: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
}

/** Where each window's tap `tap` looks: a place along the axis, −1 outside. */
export const lookedAt = ({ size, out, stride, dilation, before }: Along, tap: number): number[] =>
  Array.from({ length: out }, (_, i) => {
    const at = i * stride + tap * dilation - before
    return at >= 0 && at < size ? at : -1
  })

/** Which window's tap `tap` looks at each place; −1 where none does. */
export function lookedFrom(along: Along, tap: number): number[] {
  const from = Array<number>(along.size).fill(-1)
  lookedAt(along, tap).forEach((at, i) => void (at >= 0 && (from[at] = i)))
  return from
}

/** x at these places of an axis, `outside` where one is −1. */
export function taken(x: Tensor, places: readonly number[], axis: number, outside: number): Tensor {
  const size = x.shape[axis]!
  if (places.length === size && places.every((at, i) => at === i)) return x
  const gap = places.includes(-1)
  const rim = x.shape.map((n, i) => (i === axis ? 1 : n))
  const from = gap ? tf.concat([x, tf.fill(rim, outside)], axis) : x
  return tf.gather(from, tf.tensor1d(places.map((at) => (at < 0 ? size : at)), 'int32'), axis) // prettier-ignore
}

export const each = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
