/*
 * The lasso as a prior. Tibshirani, "Regression Shrinkage and Selection via the Lasso", J. R. Stat. Soc. B, 1996.
 */
import { component, type Prior } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { z } from 'zod'

export const lassoOptions = z.strictObject({
  scale: z.number().positive().default(1).describe('b, mean size of a weight'),
})

/** Independent Laplace densities on all parameters: Σ |θ| / b, nats. */
export const lasso = ({ scale }: z.output<typeof lassoOptions>): Prior => ({
  energy({ net }): Scalar {
    const sizes = Object.values(net.vars.params).map((p) => p.abs().sum())
    return tf.addN(sizes).div(scale)
  },
})

declare module 'ockham' {
  interface Catalog {
    lasso: { kind: 'prior'; options: z.input<typeof lassoOptions> }
  }
}

export default component({
  kind: 'prior',
  name: 'lasso',
  about: 'Laplace density on every parameter: many weights near zero, some large',
  options: lassoOptions,
  create: lasso,
})
