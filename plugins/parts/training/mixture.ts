import type { Prediction } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'

const mean = (xs: readonly Tensor[]): Tensor => tf.addN([...xs]).div(xs.length)

/**
 * The mixture of equally likely predictions, traced: what `average` is on the host. Probabilities are averaged; variances are averaged and
 * the spread of the means is added. Members are not kept.
 */
export function mixture(predictions: readonly Prediction<Tensor>[]): Prediction<Tensor> {
  const [first] = predictions as readonly [Prediction<Tensor>]
  if (first.kind === 'categorical')
    return { kind: 'categorical', probabilities: mean(predictions.map((p) => (p as typeof first).probabilities)) }
  const all = predictions as readonly (typeof first)[]
  const centre = mean(all.map((p) => p.mean))
  const spread = mean(all.map((p) => p.mean.sub(centre).square()))
  const noises = all.flatMap((p) => (p.noise ? [p.noise] : []))
  return {
    kind: 'normal',
    mean: centre,
    variance: mean(all.map((p) => p.variance)).add(spread),
    ...(noises.length === all.length && { noise: mean(noises) }),
  }
}
