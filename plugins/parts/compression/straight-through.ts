import type { Tensor, Tensor1D } from 'ockham/tensor'
import { tf } from 'ockham/tensor'
import { byHand } from '../networks/index.js'

/** 1 at the nearest level of each number, the lower of two that are equally near: v [d], codebook [L] → [d, L]. */
const nearest = (v: Tensor, codebook: Tensor): Tensor => {
  const levels = codebook.size
  const distance = v
    .reshape([-1, 1])
    .sub(codebook.reshape([1, levels]))
    .abs()
  return tf.oneHot(distance.argMin<Tensor1D>(1), levels).cast('float32')
}

/**
 * v [d] read through a codebook [L]: the value is that of the nearest level; the gradient goes to v as it is (straight through, Bengio et
 * al. 2013) and to each level as the sum over its numbers.
 */
export const straightThrough: (v: Tensor, codebook: Tensor) => Tensor = byHand(
  (v, codebook) =>
    nearest(v, codebook)
      .matMul(codebook.reshape([-1, 1]))
      .reshape([-1]),
  (dy, v, codebook) => [
    dy,
    nearest(v, codebook)
      .matMul(dy.reshape([-1, 1]), true)
      .reshape([-1]),
  ],
)
