import type { Optimizer } from 'ockham'
import { z } from 'zod'
import { like, prefix, under, zeros, zip } from './trees.js'

const decayRate = z.number().min(0).lt(1)

export const adamOptions = z.strictObject({
  learningRate: z.number().positive().default(1e-3).describe('size of a step; the schedule multiplies it'),
  beta1: decayRate.default(0.9).describe('decay of the mean gradient'),
  beta2: decayRate.default(0.999).describe('decay of the mean squared gradient'),
  epsilon: z.number().positive().default(1e-8).describe('what is added to the root of the mean squared gradient'),
})

export const adamwOptions = adamOptions.extend({
  weightDecay: z.number().min(0).default(0.01).describe('share of a weight lost a step, times the learning rate'),
})

/**
 * Adam, Kingma and Ba 2015, algorithm 1.
 *
 * The memory holds decaying sums, M ← β₁ M + g and V ← β₂ V + g², and the sums of their weights, S ← β S + 1.
 * M/S₁ and V/S₂ are the bias-corrected means themselves, so no power of β is taken, and the update
 * θ ← θ − (η √S₂/S₁) M / (√V + ε √S₂) costs ten passes over the weights instead of fourteen.
 */
export const adam = (options: z.output<typeof adamOptions>): Optimizer => decoupled({ ...options, weightDecay: 0 })

/** Adam with decoupled weight decay, Loshchilov and Hutter 2019: θ ← (1 − η λ) θ first. */
export const adamw = (options: z.output<typeof adamwOptions>): Optimizer => ({ ...decoupled(options), decays: options.weightDecay > 0 })

function decoupled({ learningRate, beta1, beta2, epsilon, weightDecay }: z.output<typeof adamwOptions>): Optimizer {
  return {
    init: (params) => ({ ...prefix('m.', like(params)), ...prefix('v.', like(params)), s1: zeros([]), s2: zeros([]) }),
    update({ params, memory, gradient, rate }) {
      const g = gradient(params)
      const m = zip(g, under('m.', memory), (d, sum) => sum.mul(beta1).add(d))
      const v = zip(g, under('v.', memory), (d, sum) => sum.mul(beta2).add(d.square()))
      const s1 = memory['s1']!.mul(beta1).add(1)
      const s2 = memory['s2']!.mul(beta2).add(1)
      const eta = rate.mul(learningRate)
      const scale = s2.sqrt()
      const size = eta.mul(scale).div(s1)
      const floor = scale.mul(epsilon)
      const kept = eta.mul(-weightDecay).add(1)
      const next = zip(params, m, (p, sum, name) => {
        const step = sum.div(v[name]!.sqrt().add(floor)).mul(size)
        return (weightDecay > 0 ? p.mul(kept) : p).sub(step)
      })
      return { params: next, memory: { ...prefix('m.', m), ...prefix('v.', v), s1, s2 } }
    },
  }
}
