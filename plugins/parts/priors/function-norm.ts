import type { Prior, Resolved } from 'ockham'
import type { Scalar } from 'ockham/tensor'
import { z } from 'zod'
import { atContext, contextShape, outputsAt } from './at-points.js'

export const functionNormOptions = z.strictObject({
  ...contextShape,
  variance: z.number().positive().default(1).describe('β, prior variance of each output at each point'),
  points: z
    .enum(['joint', 'context'])
    .default('joint')
    .describe('where the function is held small: batch and context, or the context alone'),
})

/**
 * Independent normal outputs of variance β at every point of a step: Σ ‖f(x)‖²/2β, nats. It is function-space empirical Bayes without
 * features (s = 0), and the function-norm baseline of Rudner et al. 2023.
 */
export const functionNorm = (options: Resolved<z.output<typeof functionNormOptions>>): Prior =>
  atContext(options, (step): Scalar => {
    const { outputs, mask } = outputsAt(step, options.points === 'joint')
    return outputs
      .square()
      .mul(mask)
      .sum()
      .div<Scalar>(2 * options.variance)
  })
