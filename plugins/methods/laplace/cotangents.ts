import type { Batch, Engine, Key, Objective } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'

/** What the likelihood's curvature in the outputs is taken to be. */
export const curvatures = ['ggn', 'fisher', 'empirical'] as const
export type CurvatureName = (typeof curvatures)[number]

/** Gradients of −log p at labels drawn from the model, K of them an example, by 1/√K: softmax minus a drawn label, or noise by its root. */
function drawn(objective: Objective, y: Tensor, key: Key, samples: number): Tensor {
  const predicted = objective.predict(y)
  const draws = Array.from({ length: samples }, (_, k) => {
    const stream = key.fold(k)
    if (predicted.kind === 'normal') {
      const root = objective.root!(y)
      const [n, , columns] = root.shape as [number, number, number]
      return tf.matMul(root, stream.normal([n, columns]).expandDims(2))
    }
    const p = predicted.probabilities
    const u = stream.uniform([p.shape[0], 1])
    const above = tf.cumsum(p, 1).greater(u).cast('float32')
    // The first class whose cumulative probability is above the draw; rounding leaves the last where none is.
    const classes = p.shape[1]!
    const before = tf.concat([tf.zeros([p.shape[0], 1]), above.slice([0, 0], [p.shape[0], classes - 1])], 1)
    const ends = tf
      .range(0, classes)
      .equal(classes - 1)
      .cast('float32')
      .mul(tf.scalar(1).sub(above))
    return p.sub(above.sub(before).add(ends)).expandDims(2)
  })
  const all = draws.length === 1 ? draws[0]! : tf.concat(draws, 2)
  return all.div(Math.sqrt(samples))
}

/**
 * Columns S [n, C, K] whose S Sᵀ stands for the Hessian of an example's loss in its outputs: its exact root (generalised Gauss–Newton), an
 * unbiased estimate by drawn labels (Fisher), or the squared gradient at the true label (empirical Fisher, biased).
 */
export function cotangents(
  kind: CurvatureName,
  samples: number,
  objective: Objective,
  at: { readonly y: Tensor; readonly batch: Batch; readonly engine: Engine; readonly key: Key; readonly loss: (y: Tensor) => Tensor },
): Tensor {
  if (kind === 'ggn') return objective.root!(at.y)
  if (kind === 'fisher') return drawn(objective, at.y, at.key, samples)
  const { grads } = at.engine.valueAndGrad(({ y }) => ({ value: at.loss(y!).sum<Scalar>(), aux: undefined }), { y: at.y })
  const g = grads['y']!
  return g.reshape([g.shape[0], -1, 1])
}
