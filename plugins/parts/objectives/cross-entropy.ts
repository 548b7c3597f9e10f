import type { Objective } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor, type Tensor1D } from 'ockham/tensor'
import { z } from 'zod'

export const crossEntropyOptions = z.strictObject({
  smoothing: z.number().min(0).lt(1).default(0).describe('share of a label that is spread evenly over all classes'),
})

/** Square root of the softmax Hessian: S = diag(√p) − p √pᵀ, so that S Sᵀ = diag(p) − p pᵀ. Logits [n, C] → [n, C, C]. */
export function softmaxRoot(logits: Tensor): Tensor {
  const p = tf.softmax(logits)
  const root = p.sqrt()
  const diagonal = root.expandDims(2).mul(tf.eye(logits.shape[1]!))
  return diagonal.sub(p.expandDims(2).mul(root.expandDims(1)))
}

/** −log softmax(y)[label], nats an example; of the mean over classes, −(1/C) Σ_c log softmax(y)[c], the share `smoothing`. */
function losses(logits: Tensor, labels: Tensor, smoothing: number): Tensor {
  const logs = tf.logSoftmax(logits)
  const right = logs
    .mul(tf.oneHot(labels as Tensor1D, logits.shape[1]!))
    .sum(1)
    .neg()
  return smoothing === 0 ? right : right.mul(1 - smoothing).sub(logs.mean(1).mul(smoothing))
}

/**
 * −log softmax(y)[label], nats an example. Labels int32 [n], logits [n, C]. With `smoothing` a, labels are (1 − a) onehot + a/C (Szegedy et al.
 * 2016), and the loss is no longer a log-likelihood of theirs: there is no root then.
 */
export const crossEntropy = ({ smoothing }: z.output<typeof crossEntropyOptions> = { smoothing: 0 }): Objective => ({
  init({ dataset }) {
    if (dataset.meta.classes) return {}
    throw new InputError({
      code: 'OCK-OBJECTIVE-001',
      what: `cross-entropy needs class labels, and the dataset's task is ${dataset.meta.task}`,
      where: 'objective',
      remedy: 'choose a classification dataset, or the objective gaussian',
    })
  },
  loss: (logits, batch) => ({ loss: losses(logits, batch.y, smoothing) }),
  predict: (logits) => ({ kind: 'categorical', probabilities: tf.softmax(logits) }),
  ...(smoothing === 0 && { root: softmaxRoot }),
})
