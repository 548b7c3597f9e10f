import type { Engine, Tensors } from 'ockham'
import type { Tensor } from 'ockham/tensor'

/** A function to first order around a point: y, and the Jacobian from both sides. */
export interface Linear {
  readonly y: Tensor
  /** J v [as y]; names that `v` lacks count as zero. */
  push(v: Tensors): Tensor
  /** Jᵀ u [as p]. */
  pull(u: Tensor): Tensors
}

/** One forward pass of `fn` at `p`, then as many products with its Jacobian as are asked for: walks along its tape, forwards and backwards. */
export function linearize(engine: Engine, fn: (p: Tensors) => Tensor, p: Tensors): Linear {
  const { y, pull, push } = engine.vjp((q) => ({ y: fn(q), aux: undefined }), p)
  return { y, pull, push }
}
