import type { Engine, Observe, Tensors } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'

/** The losses of a batch [n], one an example, of a pass in which `at` sees every point of the model. */
export type Observed = (at: Observe) => Tensor

const places = (x: Tensor): Tensor => (x.rank === 2 ? x.expandDims(1) : x.reshape([x.shape[0], -1, x.shape[x.rank - 1]!]))

/** Values at the inputs and outputs of layers, of a pass that nothing disturbs. */
function seen(losses: Observed, layers: readonly string[]): Record<string, Tensor> {
  const points: Record<string, Tensor> = {}
  losses((point, h) => (points[point] = h))
  const missing = layers.flatMap((layer) => [`${layer}.in`, `${layer}.out`].filter((point) => !points[point]))
  if (missing.length > 0) {
    throw new InputError({
      code: 'OCK-DERIVATIVE-001',
      what: `the pass has no point ${missing.join(', ')}`,
      where: 'perExample',
      remedy: `name layers that announce their input and output; its points are ${Object.keys(points).join(', ') || 'none'}`,
    })
  }
  return points
}

/**
 * The gradient of each example's loss by the kernels and biases of linear layers (Goodfellow 2015): for a layer z = a W + b the gradient
 * of loss i is Σ_t a_itᵀ δ_it and Σ_t δ_it, with δ = ∂ Σ loss / ∂ z. δ comes from one backward pass, by zeros added at `<layer>.out`.
 *
 * Examples must not meet inside the pass (no batch statistics). Returns `<layer>.kernel` [n, in, out] and `<layer>.bias` [n, out] for
 * every layer named; a layer without a bias has no use for the second.
 * @throws InputError OCK-DERIVATIVE-001 where the pass does not announce a layer.
 */
export function perExample(engine: Engine, losses: Observed, layers: readonly string[]): Tensors {
  const points = seen(losses, layers)
  const probes = Object.fromEntries(layers.map((layer) => [`${layer}.out`, tf.zeros(points[`${layer}.out`]!.shape)]))
  const { grads } = engine.valueAndGrad((p) => {
    const total = losses((point, h) => (p[point] ? h.add(p[point]) : h)).sum<Scalar>()
    return { value: total, aux: undefined }
  }, probes)
  return Object.fromEntries(
    layers.flatMap((layer) => {
      const delta = places(grads[`${layer}.out`]!)
      const kernel = tf.matMul(places(points[`${layer}.in`]!), delta, true, false)
      return [
        [`${layer}.kernel`, kernel],
        [`${layer}.bias`, delta.sum(1)],
      ]
    }),
  )
}
