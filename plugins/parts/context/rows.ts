import type { Input } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { map } from '../training/index.js'

/** `count` rows of an input from `start` on, to its end unless given; several inputs are cut alike. */
export function inputRows<X extends Input>(x: X, start: number, count = -1): X {
  const cut = (t: Tensor): Tensor => t.slice([start], [count])
  return (x instanceof tf.Tensor ? cut(x) : map(x, cut)) as X
}

/** 1 for rows that stand for a point, those of the batch with weight and all others; 0 for padding. [n, 1] */
export const counting = (weight: Tensor, others: number): Tensor =>
  tf.concat([weight.greater(0).cast('float32'), tf.ones([others])], 0).expandDims(1)

/** Outputs as a table [n, C], whatever axes an example has. */
export const table = (t: Tensor): Tensor => (t.rank === 2 ? t : t.reshape([t.shape[0], -1]))
