import type { Prior } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { scales } from './normal.js'

/** Log density of each element at standard scale, normalised, nats: z [shape] → [shape]. */
export type LogDensity = (z: Tensor) => Tensor

/** A prior under which every parameter is independent: Σ log σ − log p(θ/σ), with the scales σ of the layers, as in the prior normal. */
export const independent = (scale: number | Readonly<Record<string, number>>, logDensity: LogDensity): Prior => ({
  init(_, { params }) {
    scales(Object.keys(params), scale)
    return {}
  },
  energy({ net: { vars } }): Scalar {
    const sigma = scales(Object.keys(vars.params), scale)
    const terms = Object.entries(vars.params).map(([name, p]) =>
      logDensity(p.div(sigma[name]!))
        .sum()
        .neg()
        .add<Scalar>(p.size * Math.log(sigma[name]!)),
    )
    return terms.length > 0 ? tf.addN(terms) : tf.scalar(0)
  },
})
