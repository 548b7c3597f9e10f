import type { Engine } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'

/** k [n, n] of features [n, D]; symmetric and positive semi-definite. */
export type ContextKernel = (features: Tensor) => Tensor

/** H Hᵀ + 1 1ᵀ: a linear model on the features with a bias, its weights integrated out. */
export const linear: ContextKernel = (features) => {
  const lifted = withBias(features)
  return lifted.matMul(lifted, false, true)
}

/** exp(−‖h − h′‖² / 2ℓ²D), whose length scale is in units of a feature. */
export const rbf =
  (lengthscale: number): ContextKernel =>
  (features) => {
    const squares = features.square().sum(1, true)
    const distance = squares
      .add(squares.transpose())
      .sub(features.matMul(features, false, true).mul(2))
      .maximum(0)
    return distance.mul(-0.5 / (lengthscale ** 2 * features.shape[1]!)).exp()
  }

const withBias = (features: Tensor): Tensor => tf.concat([features, tf.ones([features.shape[0], 1])], 1)

/**
 * K = s k(H) + β I, the covariance of one output at n inputs; Rudner et al. 2023, the Gaussian of the auxiliary model on frozen features H [n, D].
 * Rows whose `mask` [n, 1] is 0 stand for nothing: they are uncorrelated with the rest.
 */
export function covariance(features: Tensor, mask: Tensor, scale: number, diagonal: number, kernel = linear): Tensor {
  const k = kernel(features).mul(mask.matMul(mask, false, true))
  return k.mul(scale).add(tf.eye(features.shape[0]).mul(diagonal))
}

/** K⁻¹ = (I − s H̃ (s H̃ᵀH̃ + βI)⁻¹ H̃ᵀ)/β with H̃ = [H, 1] (Woodbury): the inverse of a matrix of size D + 1 instead of n. */
function byFeatures(engine: Engine, features: Tensor, mask: Tensor, scale: number, diagonal: number): Tensor {
  const lifted = withBias(features).mul(mask)
  const inner = lifted
    .matMul(lifted, true, false)
    .mul(scale)
    .add(tf.eye(features.shape[1]! + 1).mul(diagonal))
  const explained = lifted.matMul(engine.inverse(inner).matMul(lifted, false, true)).mul(scale)
  return tf.eye(features.shape[0]).sub(explained).div(diagonal)
}

/**
 * K⁻¹ [n, n], formed in float64, a constant of differentiation. By features where they are fewer than points and float64 is there: the difference
 * that it takes needs the digits.
 */
export function precisionOf(engine: Engine, features: Tensor, mask: Tensor, scale: number, diagonal: number, kernel = linear): Tensor {
  const [points, width] = features.shape as [number, number]
  if (scale === 0) return tf.eye(points).div(diagonal)
  const few = kernel === linear && width + 1 < points && engine.capabilities.has('float64')
  return engine.double(() =>
    few ? byFeatures(engine, features, mask, scale, diagonal) : engine.inverse(covariance(features, mask, scale, diagonal, kernel)),
  )
}

/** ½ Σ_k f_kᵀ K⁻¹ f_k over the outputs f_k, columns of `outputs` [n, C]. */
export function functionEnergy(
  engine: Engine,
  outputs: Tensor,
  features: Tensor,
  mask: Tensor,
  scale: number,
  diagonal: number,
  kernel = linear,
): Scalar {
  const precision = precisionOf(engine, features, mask, scale, diagonal, kernel)
  const counted = outputs.mul(mask)
  return counted.mul(precision.matMul(counted)).sum().mul<Scalar>(0.5)
}
