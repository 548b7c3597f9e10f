import type { Objective } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor, type Tensor1D } from 'ockham/tensor'
import { z } from 'zod'

export const crossEntropyOptions = z.strictObject({})

/** Square root of the softmax Hessian: S = diag(√p) − p √pᵀ, so that S Sᵀ = diag(p) − p pᵀ. Logits [n, C] → [n, C, C]. */
export function softmaxRoot(logits: Tensor): Tensor {
  const p = tf.softmax(logits)
  const root = p.sqrt()
  const diagonal = root.expandDims(2).mul(tf.eye(logits.shape[1]!))
  return diagonal.sub(p.expandDims(2).mul(root.expandDims(1)))
}

/** −log softmax(y)[label], nats an example. Labels int32 [n], logits [n, C]. */
export const crossEntropy = (): Objective => ({
  init({ dataset }) {
    if (dataset.meta.classes) return {}
    throw new InputError({
      code: 'OCK-OBJECTIVE-001',
      what: `cross-entropy needs class labels, and the dataset's task is ${dataset.meta.task}`,
      where: 'objective',
      remedy: 'choose a classification dataset, or the objective gaussian',
    })
  },
  loss: (logits, batch) => ({
    loss: tf
      .logSoftmax(logits)
      .mul(tf.oneHot(batch.y as Tensor1D, logits.shape[1]!))
      .sum(1)
      .neg(),
  }),
  predict: (logits) => ({ kind: 'categorical', probabilities: tf.softmax(logits) }),
  root: softmaxRoot,
})
