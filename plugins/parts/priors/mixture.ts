import type { Prior } from 'ockham'
import { tf } from 'ockham/tensor'
import { z } from 'zod'
import { independent, type LogDensity } from './independent.js'
import { normalOptions } from './normal.js'

const share = z.number().gt(0).lt(1).default(0.5)
const ratio = z.number().positive().lt(1)

export const mixtureOptions = z.strictObject({
  scale: normalOptions.shape.scale.describe('standard deviation of the wide normal, or one a layer'),
  ratio: ratio.default(Math.exp(-6)).describe('standard deviation of the narrow normal as a share of the wide one'),
  share: share.describe('π, weight of the wide normal'),
})

export const spikeAndSlabOptions = z.strictObject({
  scale: normalOptions.shape.scale.describe('standard deviation of the slab, or one a layer'),
  spike: ratio.default(0.01).describe('standard deviation of the spike as a share of the slab’s'),
  share: share.describe('probability that a parameter is of the slab'),
})

/** log(π N(z; 0, 1) + (1 − π) N(z; 0, r²)). */
export const twoNormals =
  (share: number, ratio: number): LogDensity =>
  (x) => {
    const half = x.square().div(2)
    const wide = half.neg().add(Math.log(share) - Math.log(2 * Math.PI) / 2)
    // The narrow term relative to the wide one; softplus of it is what it adds, without overflow on either side.
    const more = half.mul(1 - 1 / (ratio * ratio)).add(Math.log((1 - share) / share) - Math.log(ratio))
    return wide.add(tf.relu(more)).add(more.abs().neg().exp().log1p())
  }

/** A scale mixture of two normals of every parameter, Blundell et al. 2015, equation 7: one wide, one narrow. */
export const mixturePrior = ({ scale, ratio, share }: z.output<typeof mixtureOptions>): Prior =>
  independent(scale, twoNormals(share, ratio))

/** A narrow normal about zero for parameters that do nothing, a wide one for the rest (George and McCulloch 1993). */
export const spikeAndSlab = ({ scale, spike, share }: z.output<typeof spikeAndSlabOptions>): Prior =>
  independent(scale, twoNormals(share, spike))
