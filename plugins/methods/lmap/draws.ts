/*
 * Many random numbers from few: drawing is the host's work, one after the other, so that a step that needs a number a weight waits for it.
 * The bits of a uniform number of 24 are taken apart in the graph.
 */
import type { Key } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { normalQuantile } from '../../parts/evaluation/index.js'
import { floats } from '../../parts/training/index.js'

const bits = 24
const half = 2 ** (bits / 2)

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** The first numbers of a draw, in a shape. */
const shaped = (flat: Tensor, shape: readonly number[]): Tensor => flat.slice([0], [sizeOf(shape)]).reshape([...shape])

/** Independent ±1, 24 from a uniform number: its binary digits. */
export function signs(key: Key, shape: readonly number[]): Tensor {
  const words = key.uniform([1, Math.ceil(sizeOf(shape) / bits)])
  // The first k digits as a number; what its half leaves is digit k.
  const ahead = words.mul(tf.tensor2d(Array.from({ length: bits }, (_, k) => [2 ** (k + 1)]))).floor()
  const digit = ahead.sub(ahead.mul(0.5).floor().mul(2))
  return shaped(digit.mul(2).sub(1).reshape([-1]), shape)
}

/** The medians of 4,096 equally likely slices of a standard normal, at unit variance. */
function quantiles(): Float32Array {
  const medians = Float64Array.from({ length: half }, (_, i) => normalQuantile((i + 0.5) / half))
  const scale = Math.sqrt(half / medians.reduce((sum, z) => sum + z * z, 0))
  return floats(medians, (z) => z * scale)
}

let table: Float32Array | undefined

/** Independent standard normals to twelve bits, two from a uniform number: of mean 0, variance 1, and none beyond 3.7. */
export function normals(key: Key, shape: readonly number[]): Tensor {
  table ??= quantiles()
  const words = key.uniform([Math.ceil(sizeOf(shape) / 2)]).mul(half)
  const first = words.floor()
  const second = words.sub(first).mul(half)
  const places = tf.concat([first, second], 0).cast('int32')
  return shaped(tf.gather(tf.tensor1d(table), places), shape)
}
