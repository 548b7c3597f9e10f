import type { Engine, Tensors } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { linearize } from './linearize.js'

/**
 * H v, the Hessian of `loss` at `p` times `v` [as p]: the change of the gradient along v, forwards over backwards (Pearlmutter 1994).
 * @throws InputError OCK-ENGINE-011 where an operation has no second derivative.
 */
export function hvp(engine: Engine, loss: (p: Tensors) => Scalar, p: Tensors, v: Tensors): Tensors {
  return engine.jvp((q) => engine.valueAndGrad((r) => ({ value: loss(r), aux: undefined }), q).grads, p, v).dy
}

/** Λ dy for the Hessian Λ of a loss in its outputs `y`; dy [as y]. */
export type OutputHessian = (y: Tensor, dy: Tensor) => Tensor

/** (diag π − π πᵀ) dy for each row, π = softmax y: the Hessian of cross-entropy. y and dy [n, C]. */
export const softmaxHessian: OutputHessian = (y, dy) => {
  const p = tf.softmax(y)
  const weighed = p.mul(dy)
  return weighed.sub(p.mul(weighed.sum(-1, true)))
}

/** S Sᵀ dy for each row, with S [n, C, K] an objective's `root`. */
export const rootHessian =
  (root: (y: Tensor) => Tensor): OutputHessian =>
  (y, dy) => {
    const s = root(y)
    const [n, c] = [s.shape[0], s.shape[1]!]
    return tf.matMul(s, tf.matMul(s, dy.reshape([n, c, 1]), true, false)).reshape(dy.shape)
  }

/**
 * Jᵀ Λ J v, the generalised Gauss-Newton matrix of a loss Σ l(fn(p)) times `v` [as p] (Schraudolph 2002, section 3).
 * It is the Hessian without the curvature of `fn`, hence positive semi-definite where l is convex.
 */
export function gaussNewton(engine: Engine, fn: (p: Tensors) => Tensor, hessian: OutputHessian, p: Tensors, v: Tensors): Tensors {
  const { y, push, pull } = linearize(engine, fn, p)
  return pull(hessian(y, push(v)))
}
