import type { HostKey, Tensors, Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { byHand } from '../../networks/index.js'
import { integers } from './projector.js'

/** A permutation of n places and its inverse: the adjoint gathers too, which is cheaper than to scatter. */
export function permutationInit(key: HostKey, n: number): Values {
  const order = key.permutation(n).data as Int32Array
  const inverse = new Int32Array(n)
  order.forEach((from, to) => (inverse[from] = to))
  return { order: integers(order), inverse: integers(inverse) }
}

const gathered = byHand(
  (y, order) => tf.gather(y, order),
  (dy, _y, order, inverse) => [tf.gather(dy, inverse), tf.zerosLike(order), tf.zerosLike(inverse)],
)

/** out[i] = y[order[i]]. */
export const permuted = (parts: Tensors, y: Tensor): Tensor => gathered(y, parts['order']!, parts['inverse']!)

/** The same on the host. */
export const permutedOnHost = (parts: Values, y: Float64Array): Float64Array =>
  Float64Array.from(parts['order']!.data as Int32Array, (from) => y[from]!)
