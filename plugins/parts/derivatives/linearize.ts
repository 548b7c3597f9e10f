import type { Engine, Tensors } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { dot } from './trees.js'

/** A function to first order around a point: y, and the Jacobian from both sides. */
export interface Linear {
  readonly y: Tensor
  /** J v [as y]; names that `v` lacks count as zero. */
  push(v: Tensors): Tensor
  /** Jᵀ u [as p]. */
  pull(u: Tensor): Tensors
}

/**
 * One forward pass of `fn` at `p`, then as many products with its Jacobian as are asked for.
 * J v is the derivative of u ↦ ⟨Jᵀu, v⟩, two walks of the tape for the first product and one for each further.
 */
export function linearize(engine: Engine, fn: (p: Tensors) => Tensor, p: Tensors): Linear {
  const { y, pull } = engine.vjp((q) => ({ y: fn(q), aux: undefined }), p)
  const push = (v: Tensors): Tensor =>
    engine.valueAndGrad(({ u }) => ({ value: dot(pull(u!), v), aux: undefined }), { u: tf.zerosLike(y) }).grads['u']!
  return { y, push, pull }
}
