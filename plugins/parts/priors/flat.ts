import type { Prior } from 'ockham'
import { tf } from 'ockham/tensor'
import { z } from 'zod'

export const flatOptions = z.strictObject({})

/** The improper uniform density: no energy, so that a maximum a posteriori fit is maximum likelihood. */
export const flat = (): Prior => ({ energy: () => tf.scalar(0) })
