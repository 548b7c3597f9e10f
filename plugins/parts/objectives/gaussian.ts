import type { Objective } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { z } from 'zod'

export const gaussianOptions = z.strictObject({
  noise: z.number().positive().default(1).describe('standard deviation σ of the noise, in units of the (scaled) target'),
})

/** Outputs as a table [n, D], whatever axes an example has. */
const table = (t: Tensor): Tensor => (t.rank === 2 ? t : t.reshape([t.shape[0], -1]))

/** −log N(target; y, σ² I) = ½ Σ_d ((target − y)²/σ² + log 2πσ²), nats an example. Targets float32 [n, D] or [n]. */
export const gaussian = ({ noise }: z.output<typeof gaussianOptions>): Objective => {
  const variance = noise * noise
  return {
    loss(y, batch) {
      const residual = table(batch.y).sub(table(y))
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
