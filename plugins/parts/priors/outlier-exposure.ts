import type { Prior, Resolved } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { z } from 'zod'
import { atContext, contextShape, outputsAt } from './at-points.js'

export const outlierExposureOptions = z.strictObject({
  ...contextShape,
  strength: z.number().min(0).default(0.5).describe('λ, what the context counts beside the data; 0.5 for images in the paper'),
})

/**
 * Outlier exposure, Hendrycks, Mazeika, Dietterich 2019, equation 1 for classification: the mean loss grows by λ times the mean cross-entropy
 * of the predictions at context points to the uniform distribution. As an energy, nats for the whole data set, N λ mean_x (−1/C) Σ_c log p_c(x).
 */
export const outlierExposure = (options: Resolved<z.output<typeof outlierExposureOptions>>): Prior =>
  atContext(options, (step): Scalar =>
    tf
      .logSoftmax(outputsAt(step, false).outputs)
      .mean()
      .mul<Scalar>(-options.strength * step.examples),
  )
