import type { Model, Prior } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { z } from 'zod'
import type { Elementwise } from './features.js'

export const coordinatesOptions = z.strictObject({
  of: z
    .enum(['weights', 'functions', 'reciprocals'])
    .default('functions')
    .describe('coordinates in which the density is that of a normal θ: θ itself, the function, or 1/θ'),
  scale: z.number().positive().default(1).describe('σ, prior standard deviation of every parameter θ'),
})

type Options = z.output<typeof coordinatesOptions>

/** Σ log |du/dθ| for coordinates u, which is what −log p(θ) gains; nothing for θ itself. */
const volumes: Record<Options['of'], (theta: Tensor, model: Elementwise) => Tensor | undefined> = {
  weights: () => undefined,
  functions: (theta, model) => model.logVolume(theta),
  reciprocals: (theta) => theta.abs().log().sum().mul(-2),
}

/**
 * The density of one and the same belief, θ ~ N(0, σ²), in different coordinates, nats: ‖θ‖²/2σ² plus, for functions, ½ log det G = Σ log |g′(θᵢ)| exactly
 * (Qiu et al. 2023, section 3), and for reciprocals −2 Σ log |θᵢ| (appendix A). What is most likely depends on the coordinates; the posterior does not.
 */
export const coordinates = ({ of, scale }: Options, { model }: { readonly model: Model }): Prior => ({
  energy({ net }): Scalar {
    const theta = net.vars.params['theta']!
    const weights = theta
      .square()
      .sum()
      .div<Scalar>(2 * scale ** 2)
    const volume = volumes[of](theta, model as Elementwise)
    return volume ? weights.add<Scalar>(volume) : weights
  },
})
