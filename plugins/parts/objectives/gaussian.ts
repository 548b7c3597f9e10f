import type { Objective } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { z } from 'zod'

export const gaussianOptions = z.strictObject({
  noise: z.number().positive().default(1).describe('standard deviation σ of the noise, in units of the (scaled) target'),
})

/** Outputs as a table [n, D], whatever axes an example has. */
const table = (t: Tensor): Tensor => (t.rank === 2 ? t : t.reshape([t.shape[0], -1]))

/** target − output, both as tables [n, D]. Throws `OCK-OBJECTIVE-002` where they differ in width: a broadcast would be a wrong loss. */
function residuals(target: Tensor, output: Tensor): Tensor {
  const [wanted, given] = [table(target), table(output)]
  if (wanted.shape[1] === given.shape[1]) return wanted.sub(given)
  throw new InputError({
    code: 'OCK-OBJECTIVE-002',
    what: `the model has ${given.shape[1]} outputs an example, and there are ${wanted.shape[1]} targets`,
    where: 'objective',
    remedy: 'give the model as many outputs as an example has targets; class labels want the objective cross-entropy',
  })
}

/**
 * −log N(target; y, σ² I) = ½ Σ_d ((target − y)²/σ² + log 2πσ²), nats an example. Targets float32 [n, D] or [n].
 * Throws `OCK-OBJECTIVE-002` where model and targets differ in width.
 */
export const gaussian = ({ noise }: z.output<typeof gaussianOptions>): Objective => {
  const variance = noise * noise
  return {
    loss(y, batch) {
      const residual = residuals(batch.y, y)
      const constant = 0.5 * residual.shape[1]! * Math.log(2 * Math.PI * variance)
      return {
        loss: residual
          .square()
          .sum(1)
          .mul(0.5 / variance)
          .add(constant),
      }
    },
    predict(y) {
      const spread = tf.onesLike(y).mul(variance)
      return { kind: 'normal', mean: y, variance: spread, noise: spread }
    },
    /** I/σ for every example [n, D, D]. */
    root(y) {
      const [n, outputs] = table(y).shape as [number, number]
      return tf.ones([n, 1, 1]).mul(tf.eye(outputs).div(noise))
    },
  }
}
