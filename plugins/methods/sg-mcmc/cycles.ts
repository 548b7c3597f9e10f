import type { Key, Optimizer } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'

/** A run in cycles: each begins with large steps and no noise, and ends with small ones, noise and draws. */
export interface Cycles {
  /** Steps a cycle. */
  readonly length: number
  /** Share of a cycle without noise. */
  readonly explore: number
}

/** Factor of the learning rate at step k (from 0), Zhang et al. 2020, equation 1: ½ (cos(π (k mod c)/c) + 1). */
export const cyclicalFactor = (step: number, { length }: Pick<Cycles, 'length'>): number =>
  (Math.cos((Math.PI * (step % length)) / length) + 1) / 2

/** A key whose normal numbers are multiplied by a traced factor. */
const scaledKey = (key: Key, by: Scalar): Key => ({
  ...key,
  fold: (data) => scaledKey(key.fold(data), by),
  normal: (shape) => key.normal(shape).mul<Tensor>(by),
  uniform: (shape) => key.uniform(shape),
  bernoulli: (p, shape) => key.bernoulli(p, shape),
  integers: (shape, below) => key.integers(shape, below),
  permutation: (n) => key.permutation(n),
})

/** The optimizer without noise in the part of each cycle that explores: whatever normal numbers it draws there are zero. */
export const quietly = (optimizer: Optimizer, { length, explore }: Cycles): Optimizer => ({
  ...optimizer,
  update(at) {
    const place = at.step.sub(tf.floor(at.step.div(length)).mul(length))
    const on = tf.cast(tf.greaterEqual(place, explore * length), 'float32') as Scalar
    return optimizer.update({ ...at, key: scaledKey(at.key, on) })
  },
})
