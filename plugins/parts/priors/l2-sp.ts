import type { Prior } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { z } from 'zod'
import { copy, halfSquares, map, prefix, under } from '../training/index.js'
import { covers, normalOptions, scales } from './normal.js'

export const l2SpOptions = z.strictObject({
  scale: normalOptions.shape.scale,
  fresh: z
    .array(z.string().min(1))
    .default([])
    .describe('parameters that the start says nothing of, such as a new head: held near zero. Names, or prefixes that end at a dot'),
})

/**
 * A normal density about where training starts: Σ (θ − θ₀)²/2σ², nats; θ₀ are the weights of `initial` where there are some. The penalty
 * L²-SP of Li, Grandvalet, Davoine 2018, with fresh layers about zero.
 */
export const l2Sp = ({ scale, fresh }: z.output<typeof l2SpOptions>): Prior => ({
  init(_, { params }) {
    scales(Object.keys(params), scale)
    scales(Object.keys(params), { ...Object.fromEntries(fresh.map((name) => [name, 1])), '*': 1 })
    const start = map(copy(params), (p, name) => {
      if (fresh.some((key) => covers(key, name))) p.data.fill(0)
      return p
    })
    return prefix('start.', start)
  },
  energy({ net: { vars }, memory }): Scalar {
    const std = scales(Object.keys(vars.params), scale)
    const start = under('start.', memory)
    const terms = Object.entries(vars.params).map(([name, p]) => halfSquares(p.sub(start[name]!)).div(std[name]! * std[name]!))
    return terms.length > 0 ? (tf.addN(terms) as Scalar) : tf.scalar(0)
  },
})
