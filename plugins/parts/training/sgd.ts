import type { Optimizer, Tensors } from 'ockham'
import { z } from 'zod'
import { like, map, zip } from './trees.js'

export const sgdOptions = z.strictObject({
  learningRate: z.number().positive().default(0.05).describe('size of a step; the schedule multiplies it'),
  momentum: z.number().min(0).lt(1).default(0.9).describe('share of the last step that the next one keeps'),
  nesterov: z.boolean().default(false).describe('look ahead along the momentum'),
})

/**
 * Stochastic gradient descent with momentum, Sutskever et al. 2013: v ← μ v + g, θ ← θ − η v, or θ − η (g + μ v) with `nesterov`.
 * Decay is a prior's business; a Gaussian prior beside it is coupled weight decay.
 */
export const sgd = ({ learningRate, momentum, nesterov }: z.output<typeof sgdOptions>): Optimizer => ({
  init: (params) => (momentum > 0 ? like(params) : {}),
  update({ params, memory, gradient, rate }) {
    const g = gradient(params)
    const eta = rate.mul(learningRate)
    const velocity: Tensors = momentum > 0 ? zip(g, memory, (d, v) => v.mul(momentum).add(d)) : g
    const along: Tensors = nesterov && momentum > 0 ? map(g, (d, name) => velocity[name]!.mul(momentum).add(d)) : velocity
    return { params: zip(params, along, (p, v) => p.sub(v.mul(eta))), memory: momentum > 0 ? velocity : memory }
  },
})
