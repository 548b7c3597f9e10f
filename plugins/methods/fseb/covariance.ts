import type { Engine } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'

/**
 * K = s (H Hᵀ + 1 1ᵀ) + β I, the covariance of one output at n inputs; Rudner et al. 2023, the Gaussian of the auxiliary
 * linear model on frozen features H [n, D] with a bias, its weights integrated out.
 * Rows whose `mask` [n, 1] is 0 stand for nothing: they are uncorrelated with the rest.
 */
export function covariance(features: Tensor, mask: Tensor, scale: number, diagonal: number): Tensor {
  const lifted = tf.concat([features, tf.onesLike(mask)], 1).mul(mask)
  return lifted.matMul(lifted, false, true).mul(scale).add(tf.eye(features.shape[0]).mul(diagonal))
}

/** ½ Σ_k f_kᵀ K⁻¹ f_k over the outputs f_k, columns of `outputs` [n, C]. K is formed and inverted in float64, and is a constant of differentiation. */
export function functionEnergy(engine: Engine, outputs: Tensor, features: Tensor, mask: Tensor, scale: number, diagonal: number): Scalar {
  const precision = engine.double(() => engine.inverse(covariance(features, mask, scale, diagonal)))
  const counted = outputs.mul(mask)
  return counted.mul(precision.matMul(counted)).sum().mul<Scalar>(0.5)
}
